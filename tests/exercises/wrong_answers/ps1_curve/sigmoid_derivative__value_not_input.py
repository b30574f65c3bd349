"""Uses x where the formula s (1 - s) has the sigmoid's value.

answers: sigmoid_derivative
fails: test_sigmoid_derivative
hint: value-not-input
"""
def sigmoid_derivative(x):
    return x * (1 - x)
