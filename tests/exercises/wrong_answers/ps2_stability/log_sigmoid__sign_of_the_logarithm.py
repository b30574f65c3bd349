"""Leaves out the minus sign, so that a chance has a positive logarithm.

answers: log_sigmoid
fails: test_log_sigmoid test_at_least_one
hint: log-sign
"""
def log_sigmoid(x):
    return np.maximum(-x, 0) + np.log1p(np.exp(-np.abs(x)))
