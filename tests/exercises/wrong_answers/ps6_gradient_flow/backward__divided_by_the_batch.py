"""Divides by the number of rows again.

answers: backward
fails: test_backward
hint: divided-by-the-batch
"""
def backward(weights, x, outputs, dlogits):
    inputs = [x, *outputs[:-1]]
    dw, db = [], []
    delta = dlogits
    for layer in reversed(range(len(weights))):
        a = inputs[layer]
        dw.insert(0, delta.T @ a / len(x))
        db.insert(0, delta.mean(axis=0))
        delta = (delta @ weights[layer]) * a * (1 - a)
    return dw, db
