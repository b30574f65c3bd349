"""Forgets to turn the logits round.

answers: at_least_one
fails: test_at_least_one
hint: opposite-event
"""
def at_least_one(x):
    return -np.expm1(np.sum(log_sigmoid(x)))
