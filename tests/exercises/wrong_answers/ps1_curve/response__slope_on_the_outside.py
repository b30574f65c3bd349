"""Multiplies the height of the curve by the slope.

answers: response
fails: test_response
hint: slope-on-the-outside
"""
def response(x, alpha, beta):
    return alpha / (1 + np.exp(-(x - beta)))
