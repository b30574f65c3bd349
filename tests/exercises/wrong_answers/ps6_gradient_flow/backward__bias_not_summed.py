"""Leaves a row for each sample in the gradient of a bias.

answers: backward
fails: test_backward
hint: batch-not-summed
"""
def backward(weights, x, outputs, dlogits):
    inputs = [x, *outputs[:-1]]
    dw, db = [], []
    delta = dlogits
    for layer in reversed(range(len(weights))):
        a = inputs[layer]
        dw.insert(0, delta.T @ a)
        db.insert(0, delta)
        delta = (delta @ weights[layer]) * a * (1 - a)
    return dw, db
