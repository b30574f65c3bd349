"""Has the inputs along the rows of a weight gradient.

answers: backward
fails: test_backward
hint: gradient-transposed
"""
def backward(weights, x, outputs, dlogits):
    inputs = [x, *outputs[:-1]]
    dw, db = [], []
    delta = dlogits
    for layer in reversed(range(len(weights))):
        a = inputs[layer]
        dw.insert(0, a.T @ delta)
        db.insert(0, delta.sum(axis=0))
        delta = (delta @ weights[layer]) * a * (1 - a)
    return dw, db
