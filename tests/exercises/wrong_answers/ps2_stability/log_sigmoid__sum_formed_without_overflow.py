"""Keeps the exponential small and still forms 1 + e before the logarithm.

answers: log_sigmoid
fails: test_log_sigmoid test_at_least_one
hint: one-swallows-the-rest
"""
def log_sigmoid(x):
    return np.minimum(x, 0) - np.log(1 + np.exp(-np.abs(x)))
