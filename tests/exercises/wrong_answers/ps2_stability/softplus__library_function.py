"""Calls NumPy's logaddexp, which is the whole answer.

answers: softplus
fails: test_softplus
hint: library-function
"""
def softplus(x):
    return np.logaddexp(0, x)
