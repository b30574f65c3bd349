"""Takes the absolute value against the overflow and forgets what it changes.

answers: log_sigmoid
fails: test_log_sigmoid test_at_least_one
hint: straight-part-left-out
"""
def log_sigmoid(x):
    return -np.log1p(np.exp(-np.abs(x)))
