"""Forms 1 + exp(-x), which rounds to 1 on the right and overflows on the left.

answers: log_sigmoid
fails: test_log_sigmoid test_at_least_one
hint: one-swallows-the-rest
"""
def log_sigmoid(x):
    return -np.log(1 + np.exp(-x))
