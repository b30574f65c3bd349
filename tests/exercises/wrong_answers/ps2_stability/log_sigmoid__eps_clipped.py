"""Keeps the sigmoid away from 0, so that the logarithm stays finite.

answers: log_sigmoid
fails: test_log_sigmoid test_at_least_one
hint: eps-clipped
"""
def log_sigmoid(x):
    return np.log(np.maximum(sigmoid(x), 1e-15))
