"""Takes the logarithm of p alone.

answers: logit
fails: test_logit test_soften test_logistic_growth test_fit_two_points test_decide
hint: log-of-the-probability
"""
def logit(p):
    return np.log(p)
