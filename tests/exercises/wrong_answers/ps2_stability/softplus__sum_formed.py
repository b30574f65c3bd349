"""Forms 1 + e before the logarithm: the left tail is 0.

answers: softplus
fails: test_softplus test_cross_entropy
hint: one-swallows-the-rest
"""
def softplus(x):
    return np.maximum(x, 0) + np.log(1 + np.exp(-np.abs(x)))
