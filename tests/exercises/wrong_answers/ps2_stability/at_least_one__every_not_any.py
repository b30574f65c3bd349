"""Multiplies the chances: the chance that all happen.

answers: at_least_one
fails: test_at_least_one
hint: every-not-any
"""
def at_least_one(x):
    return np.exp(np.sum(log_sigmoid(x)))
