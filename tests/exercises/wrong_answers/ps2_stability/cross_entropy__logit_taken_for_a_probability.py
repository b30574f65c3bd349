"""Takes the logarithm of the logit.

answers: cross_entropy
fails: test_cross_entropy
hint: logit-taken-for-a-probability
"""
def cross_entropy(z, y):
    if z.shape != y.shape:
        raise ValueError("z and y must have the same shape")
    if z.size == 0:
        raise ValueError("the loss of an empty batch is not defined")
    with np.errstate(all="ignore"):
        return -np.mean(y * np.log(z) + (1 - y) * np.log(1 - z))
