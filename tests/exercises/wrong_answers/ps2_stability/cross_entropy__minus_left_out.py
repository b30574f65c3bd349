"""Leaves out the minus sign: a likelihood, not a loss.

answers: cross_entropy
fails: test_cross_entropy
hint: minus-left-out
"""
def cross_entropy(z, y):
    if z.shape != y.shape:
        raise ValueError("z and y must have the same shape")
    if z.size == 0:
        raise ValueError("the loss of an empty batch is not defined")
    return np.mean(y * log_sigmoid(z) + (1 - y) * log_sigmoid(-z))
