"""Divides by the slope, as one would by a width.

answers: response
fails: test_response
hint: slope-as-divisor
"""
def response(x, alpha, beta):
    return 1 / (1 + np.exp(-(x - beta) / alpha))
