"""Takes alpha for the midpoint and beta for the slope.

answers: response
fails: test_response
hint: arguments-swapped
"""
def response(x, alpha, beta):
    return 1 / (1 + np.exp(-beta * (x - alpha)))
