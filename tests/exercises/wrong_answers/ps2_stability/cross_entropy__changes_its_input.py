"""Turns the logits of the zeros round in the caller's array.

answers: cross_entropy
fails: test_cross_entropy
hint: changes-its-input
"""
def cross_entropy(z, y):
    if z.shape != y.shape:
        raise ValueError("z and y must have the same shape")
    if z.size == 0:
        raise ValueError("the loss of an empty batch is not defined")
    soft = np.mean(y * softplus(-z) + (1 - y) * softplus(z))
    z[y == 0] *= -1
    return soft
