"""Squares 1 + exp(-x), which overflows on the left.

answers: sigmoid_derivative
fails: test_sigmoid_derivative
hint: square-overflows
"""
def sigmoid_derivative(x):
    return np.exp(-x) / (1 + np.exp(-x)) ** 2
