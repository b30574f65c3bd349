"""Takes the logarithm of the sigmoid and undoes it.

answers: sigmoid
fails: test_sigmoid
hint: exponent-rounded
"""
def sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))
