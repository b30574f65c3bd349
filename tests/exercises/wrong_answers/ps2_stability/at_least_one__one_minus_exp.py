"""Adds logarithms and still subtracts from 1 at the end.

answers: at_least_one
fails: test_at_least_one
hint: one-minus-nearly-one
"""
def at_least_one(x):
    return 1 - np.exp(np.sum(log_sigmoid(-x)))
