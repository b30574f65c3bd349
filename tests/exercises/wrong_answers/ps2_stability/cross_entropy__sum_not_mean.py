"""Adds the losses up.

answers: cross_entropy
fails: test_cross_entropy
hint: sum-not-mean
"""
def cross_entropy(z, y):
    if z.shape != y.shape:
        raise ValueError("z and y must have the same shape")
    if z.size == 0:
        raise ValueError("the loss of an empty batch is not defined")
    return np.sum(y * softplus(-z) + (1 - y) * softplus(z))
