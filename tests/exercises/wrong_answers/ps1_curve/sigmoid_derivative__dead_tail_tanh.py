"""Computes (1 - tanh(x/2)^2) / 4, whose tails are both 0.

answers: sigmoid_derivative
fails: test_sigmoid_derivative
hint: dead-tail
"""
def sigmoid_derivative(x):
    return 0.25 * (1 - np.tanh(x / 2) ** 2)
