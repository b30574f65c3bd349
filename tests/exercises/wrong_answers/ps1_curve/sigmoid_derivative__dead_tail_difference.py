"""Takes a difference quotient instead of the derivative.

answers: sigmoid_derivative
fails: test_sigmoid_derivative
hint: dead-tail
"""
def sigmoid_derivative(x):
    h = 1e-6
    return (1 / (1 + np.exp(-(x + h))) - 1 / (1 + np.exp(-(x - h)))) / (2 * h)
