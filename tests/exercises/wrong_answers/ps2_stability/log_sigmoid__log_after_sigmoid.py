"""Takes the logarithm of a sigmoid that has been rounded.

answers: log_sigmoid
fails: test_log_sigmoid test_at_least_one
hint: log-after-sigmoid
"""
def log_sigmoid(x):
    return np.log(sigmoid(x))
