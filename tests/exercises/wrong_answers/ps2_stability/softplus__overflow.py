"""Writes the formula down with log1p: exp overflows on the right.

answers: softplus
fails: test_softplus test_cross_entropy
hint: overflow
"""
def softplus(x):
    return np.log1p(np.exp(x))
