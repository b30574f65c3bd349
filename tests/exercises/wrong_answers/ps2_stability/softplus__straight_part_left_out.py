"""Takes the absolute value against the overflow and forgets what it changes.

answers: softplus
fails: test_softplus test_cross_entropy
hint: straight-part-left-out
"""
def softplus(x):
    return np.log1p(np.exp(-np.abs(x)))
