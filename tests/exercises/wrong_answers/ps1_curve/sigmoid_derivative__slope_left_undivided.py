"""Returns the slope relative to its greatest value.

answers: sigmoid_derivative
fails: test_sigmoid_derivative
hint: slope-left-undivided
"""
def sigmoid_derivative(x):
    e = np.exp(-np.abs(x))
    return 4 * e / (1 + e) ** 2
