"""Adds the chances.

answers: at_least_one
fails: test_at_least_one
hint: sum-of-chances
"""
def at_least_one(x):
    return np.sum(sigmoid(x))
