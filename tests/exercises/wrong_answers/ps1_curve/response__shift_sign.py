"""Moves the curve the other way.

answers: response
fails: test_response
hint: shift-sign
"""
def response(x, alpha, beta):
    return 1 / (1 + np.exp(-alpha * (x + beta)))
