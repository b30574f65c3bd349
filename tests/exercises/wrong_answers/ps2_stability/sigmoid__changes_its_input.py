"""Takes the absolute value in place.

answers: sigmoid
fails: test_sigmoid test_sigmoid_blocked
hint: changes-its-input
"""
def sigmoid(x):
    right = np.greater_equal(x, 0)
    if isinstance(x, np.ndarray) and x.dtype == np.float64:
        np.abs(x, out=x)
    e = np.exp(-np.abs(x))
    return np.where(right, 1.0, e) / (1 + e)
