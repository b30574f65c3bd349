"""Lets an empty batch through: the mean of nothing is nan.

answers: cross_entropy
fails: test_cross_entropy
hint: mean-of-nothing
"""
def cross_entropy(z, y):
    if z.shape != y.shape:
        raise ValueError("z and y must have the same shape")
    return np.mean(y * softplus(-z) + (1 - y) * softplus(z))
