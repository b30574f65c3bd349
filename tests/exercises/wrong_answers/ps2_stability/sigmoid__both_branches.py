"""Uses np.where on two formulas, and both are evaluated everywhere.

answers: sigmoid
fails: test_sigmoid
hint: both-branches-evaluated
"""
def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)))
