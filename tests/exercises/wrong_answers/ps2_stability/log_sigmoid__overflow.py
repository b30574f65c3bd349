"""Uses log1p, and exp overflows on the left.

answers: log_sigmoid
fails: test_log_sigmoid test_at_least_one
hint: overflow
"""
def log_sigmoid(x):
    return -np.log1p(np.exp(-x))
