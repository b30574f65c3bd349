"""Multiplies the chances that nothing happens and subtracts from 1.

answers: at_least_one
fails: test_at_least_one
hint: one-minus-nearly-one
"""
def at_least_one(x):
    return 1 - np.prod(sigmoid(-x))
