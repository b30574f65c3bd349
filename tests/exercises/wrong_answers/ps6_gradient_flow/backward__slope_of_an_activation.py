"""Takes the sigmoid's slope at the activation.

answers: backward
fails: test_backward
hint: slope-of-an-activation
"""
def backward(weights, x, outputs, dlogits):
    inputs = [x, *outputs[:-1]]
    dw, db = [], []
    delta = dlogits
    for layer in reversed(range(len(weights))):
        dw.insert(0, delta.T @ inputs[layer])
        db.insert(0, delta.sum(axis=0))
        delta = (delta @ weights[layer]) * sigmoid_derivative(inputs[layer])
    return dw, db
