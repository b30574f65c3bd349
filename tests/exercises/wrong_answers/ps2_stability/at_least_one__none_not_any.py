"""Stops at the chance that nothing happens.

answers: at_least_one
fails: test_at_least_one
hint: none-not-any
"""
def at_least_one(x):
    return np.exp(np.sum(log_sigmoid(-x)))
