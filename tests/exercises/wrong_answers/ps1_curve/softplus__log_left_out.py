"""Forgets the logarithm.

answers: softplus
fails: test_softplus
hint: log-left-out
"""
def softplus(x):
    return 1 + np.exp(x)
