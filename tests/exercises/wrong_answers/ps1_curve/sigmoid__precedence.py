"""Writes the fraction on one line without parentheses below it.

answers: sigmoid
fails: test_sigmoid test_sigmoid_derivative test_response test_soften test_logistic_growth
hint: precedence
"""
def sigmoid(x):
    return 1 / 1 + np.exp(-x)
