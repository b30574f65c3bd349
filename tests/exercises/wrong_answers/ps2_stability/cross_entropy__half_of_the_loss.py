"""Counts the examples with label 1 only.

answers: cross_entropy
fails: test_cross_entropy
hint: half-of-the-loss
"""
def cross_entropy(z, y):
    if z.shape != y.shape:
        raise ValueError("z and y must have the same shape")
    if z.size == 0:
        raise ValueError("the loss of an empty batch is not defined")
    return np.mean(y * softplus(-z))
