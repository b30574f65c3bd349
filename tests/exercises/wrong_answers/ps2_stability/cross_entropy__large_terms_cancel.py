"""Subtracts y z from softplus(z), two large numbers where the model is right.

answers: cross_entropy
fails: test_cross_entropy
hint: large-terms-cancel
"""
def cross_entropy(z, y):
    if z.shape != y.shape:
        raise ValueError("z and y must have the same shape")
    if z.size == 0:
        raise ValueError("the loss of an empty batch is not defined")
    return np.mean(softplus(z) - y * z)
