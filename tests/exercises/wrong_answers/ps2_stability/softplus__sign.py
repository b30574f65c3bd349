"""Turns the curve around.

answers: softplus
fails: test_softplus test_cross_entropy
hint: softplus-sign
"""
def softplus(x):
    return np.maximum(-x, 0) + np.log1p(np.exp(-np.abs(x)))
