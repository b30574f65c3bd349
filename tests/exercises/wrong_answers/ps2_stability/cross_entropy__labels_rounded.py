"""Asks whether y is 1 and takes everything else for 0.

answers: cross_entropy
fails: test_cross_entropy
hint: labels-rounded
"""
def cross_entropy(z, y):
    if z.shape != y.shape:
        raise ValueError("z and y must have the same shape")
    if z.size == 0:
        raise ValueError("the loss of an empty batch is not defined")
    return np.mean(np.where(y == 1, softplus(-z), softplus(z)))
