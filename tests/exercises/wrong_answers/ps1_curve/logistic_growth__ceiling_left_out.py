"""Returns the fraction of the ceiling, not the number.

answers: logistic_growth
fails: test_logistic_growth
hint: ceiling-left-out
"""
def logistic_growth(t, ceiling, rate, initial):
    return 1 / (1 + (ceiling - initial) / initial * np.exp(-rate * t))
