"""Computes s (1 - s), whose right tail is 0.

answers: sigmoid_derivative
fails: test_sigmoid_derivative
hint: dead-tail
"""
def sigmoid_derivative(x):
    s = 1 / (1 + np.exp(-x))
    return s * (1 - s)
