"""Takes the initial number for the time of the midpoint.

answers: logistic_growth
fails: test_logistic_growth
hint: initial-taken-for-a-time
"""
def logistic_growth(t, ceiling, rate, initial):
    return ceiling / (1 + np.exp(-rate * (t - initial)))
