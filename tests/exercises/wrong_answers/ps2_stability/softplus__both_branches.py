"""Uses np.where on two formulas, and both are evaluated everywhere.

answers: softplus
fails: test_softplus test_cross_entropy
hint: both-branches-evaluated
"""
def softplus(x):
    return np.where(x > 0, x + np.log1p(np.exp(-x)), np.log1p(np.exp(x)))
