"""Starts in the middle of the curve, whatever the initial number.

answers: logistic_growth
fails: test_logistic_growth
hint: starts-at-half
"""
def logistic_growth(t, ceiling, rate, initial):
    return ceiling / (1 + np.exp(-rate * t))
