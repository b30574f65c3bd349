"""Forgets the slope of the sigmoids.

answers: backward
fails: test_backward
hint: slope-left-out
"""
def backward(weights, x, outputs, dlogits):
    inputs = [x, *outputs[:-1]]
    dw, db = [], []
    delta = dlogits
    for layer in reversed(range(len(weights))):
        dw.insert(0, delta.T @ inputs[layer])
        db.insert(0, delta.sum(axis=0))
        delta = delta @ weights[layer]
    return dw, db
