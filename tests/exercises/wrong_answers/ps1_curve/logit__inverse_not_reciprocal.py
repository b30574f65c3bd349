"""Takes the inverse function for one over the function.

answers: logit
fails: test_logit test_soften test_logistic_growth test_fit_two_points test_decide
hint: inverse-not-reciprocal
"""
def logit(p):
    return 1 / (1 / (1 + np.exp(-p)))
