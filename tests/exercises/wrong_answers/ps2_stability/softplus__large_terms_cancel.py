"""Pulls x out of the logarithm on both sides of 0.

answers: softplus
fails: test_softplus test_cross_entropy
hint: large-terms-cancel
"""
def softplus(x):
    return x + np.log1p(np.exp(-np.maximum(x, -700)))
