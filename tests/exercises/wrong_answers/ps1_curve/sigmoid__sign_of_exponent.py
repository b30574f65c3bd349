"""Leaves out the minus sign of the exponent, so that the curve falls.

answers: sigmoid
fails: test_sigmoid test_response test_soften test_logistic_growth
hint: sign-of-exponent
"""
def sigmoid(x):
    return 1 / (1 + np.exp(x))
