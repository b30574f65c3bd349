"""Divides the ceiling by the initial number, places taken included.

answers: logistic_growth
fails: test_logistic_growth
hint: ceiling-in-the-wrong-place
"""
def logistic_growth(t, ceiling, rate, initial):
    return ceiling / (1 + ceiling / initial * np.exp(-rate * t))
