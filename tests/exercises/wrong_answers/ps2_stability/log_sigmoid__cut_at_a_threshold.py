"""Takes the straight line left of -20.

answers: log_sigmoid
fails: test_log_sigmoid
hint: cut-at-a-threshold
"""
def log_sigmoid(x):
    return np.where(x < -20, x, -np.log1p(np.exp(-np.maximum(x, -20))))
