"""Clips the probability to [1e-15, 1 - 1e-15] before the logarithm.

answers: cross_entropy
fails: test_cross_entropy
hint: eps-clipped
"""
def cross_entropy(z, y):
    if z.shape != y.shape:
        raise ValueError("z and y must have the same shape")
    if z.size == 0:
        raise ValueError("the loss of an empty batch is not defined")
    p = np.clip(sigmoid(z), 1e-15, 1 - 1e-15)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
