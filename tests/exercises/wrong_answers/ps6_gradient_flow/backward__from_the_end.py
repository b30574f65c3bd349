"""Lists the gradients in the order in which they are found.

answers: backward
fails: test_backward
hint: gradients-from-the-end
"""
def backward(weights, x, outputs, dlogits):
    inputs = [x, *outputs[:-1]]
    dw, db = [], []
    delta = dlogits
    for layer in reversed(range(len(weights))):
        a = inputs[layer]
        dw.append(delta.T @ a)
        db.append(delta.sum(axis=0))
        delta = (delta @ weights[layer]) * a * (1 - a)
    return dw, db
