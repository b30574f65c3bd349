"""Calls the loss of an empty batch 0.

answers: cross_entropy
fails: test_cross_entropy
hint: mean-of-nothing
"""
def cross_entropy(z, y):
    if z.shape != y.shape:
        raise ValueError("z and y must have the same shape")
    if z.size == 0:
        return 0.0
    return np.mean(y * softplus(-z) + (1 - y) * softplus(z))
