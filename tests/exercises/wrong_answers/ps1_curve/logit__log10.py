"""Takes the logarithm to base 10.

answers: logit
fails: test_logit test_soften test_logistic_growth test_fit_two_points test_decide
hint: log10
"""
def logit(p):
    return np.log10(p / (1 - p))
