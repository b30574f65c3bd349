"""Goes back through the transpose, as on the way forwards.

answers: backward
fails: test_backward
hint: way-back-not-reversed
"""
def backward(weights, x, outputs, dlogits):
    inputs = [x, *outputs[:-1]]
    dw, db = [], []
    delta = dlogits
    for layer in reversed(range(len(weights))):
        a = inputs[layer]
        dw.insert(0, delta.T @ a)
        db.insert(0, delta.sum(axis=0))
        delta = (delta @ weights[layer].T) * a * (1 - a)
    return dw, db
