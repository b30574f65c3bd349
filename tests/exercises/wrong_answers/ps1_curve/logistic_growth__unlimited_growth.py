"""Lets the population grow without end.

answers: logistic_growth
fails: test_logistic_growth
hint: unlimited-growth
"""
def logistic_growth(t, ceiling, rate, initial):
    return initial * np.exp(rate * t)
