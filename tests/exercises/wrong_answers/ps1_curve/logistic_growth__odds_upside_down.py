"""Turns the ratio of the places taken to the places free upside down.

answers: logistic_growth
fails: test_logistic_growth
hint: odds-upside-down
"""
def logistic_growth(t, ceiling, rate, initial):
    return ceiling / (1 + initial / (ceiling - initial) * np.exp(-rate * t))
