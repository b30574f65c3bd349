"""Forgets the 1, so that the logarithm undoes the exponential.

answers: softplus
fails: test_softplus
hint: one-left-out
"""
def softplus(x):
    return np.log(np.exp(x))
