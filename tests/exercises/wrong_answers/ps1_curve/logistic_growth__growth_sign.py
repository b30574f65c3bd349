"""Runs time backwards.

answers: logistic_growth
fails: test_logistic_growth
hint: growth-sign
"""
def logistic_growth(t, ceiling, rate, initial):
    return ceiling / (1 + (ceiling - initial) / initial * np.exp(rate * t))
