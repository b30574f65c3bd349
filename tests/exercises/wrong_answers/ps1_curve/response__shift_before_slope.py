"""Subtracts beta after the slope was applied.

answers: response
fails: test_response
hint: shift-before-slope
"""
def response(x, alpha, beta):
    return 1 / (1 + np.exp(-(alpha * x - beta)))
