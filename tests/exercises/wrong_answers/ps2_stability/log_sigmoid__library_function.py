"""Calls NumPy's logaddexp, which is the whole answer.

answers: log_sigmoid
fails: test_log_sigmoid
hint: library-function
"""
def log_sigmoid(x):
    return -np.logaddexp(0, -x)
