"""Pairs the gradient of a layer with what that layer returned.

answers: backward
fails: test_backward
hint: own-output-for-input
"""
def backward(weights, x, outputs, dlogits):
    inputs = [x, *outputs[:-1]]
    dw, db = [], []
    delta = dlogits
    for layer in reversed(range(len(weights))):
        dw.insert(0, delta.T @ outputs[layer])
        db.insert(0, delta.sum(axis=0))
        delta = (delta @ weights[layer]) * inputs[layer] * (1 - inputs[layer])
    return dw, db
