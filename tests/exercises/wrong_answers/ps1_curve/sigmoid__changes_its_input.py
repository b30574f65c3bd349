"""Saves memory by writing into the caller's array.

answers: sigmoid
fails: test_sigmoid test_sigmoid_derivative
hint: changes-its-input
"""
def sigmoid(x):
    if np.ndim(x) == 0 or np.asarray(x).dtype.kind != "f":
        return 1 / (1 + np.exp(-x))
    np.negative(x, out=x)
    np.exp(x, out=x)
    x += 1
    return 1 / x
