"""Uses np.where on two formulas, and both are evaluated everywhere.

answers: log_sigmoid
fails: test_log_sigmoid test_at_least_one
hint: both-branches-evaluated
"""
def log_sigmoid(x):
    return np.where(x >= 0, -np.log1p(np.exp(-x)), x - np.log1p(np.exp(x)))
