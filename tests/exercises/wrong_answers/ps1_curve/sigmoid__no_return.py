"""Computes the value and leaves it in a local variable.

answers: sigmoid
fails: test_sigmoid test_sigmoid_derivative test_response test_soften test_logistic_growth
hint: no-return
"""
def sigmoid(x):
    s = 1 / (1 + np.exp(-x))
