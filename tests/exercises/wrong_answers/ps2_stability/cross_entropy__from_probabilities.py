"""Computes the probability first and takes its logarithm.

answers: cross_entropy
fails: test_cross_entropy
hint: log-after-sigmoid
"""
def cross_entropy(z, y):
    if z.shape != y.shape:
        raise ValueError("z and y must have the same shape")
    if z.size == 0:
        raise ValueError("the loss of an empty batch is not defined")
    p = sigmoid(z)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
