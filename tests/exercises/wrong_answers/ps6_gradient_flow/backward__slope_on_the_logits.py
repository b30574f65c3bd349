"""Multiplies dlogits with a slope.

answers: backward
fails: test_backward
hint: no-curve-after-the-logits
"""
def backward(weights, x, outputs, dlogits):
    inputs = [x, *outputs[:-1]]
    dw, db = [], []
    delta = dlogits * sigmoid_derivative(outputs[-1])
    for layer in reversed(range(len(weights))):
        a = inputs[layer]
        dw.insert(0, delta.T @ a)
        db.insert(0, delta.sum(axis=0))
        delta = (delta @ weights[layer]) * a * (1 - a)
    return dw, db
