"""Divides 1 - p by p.

answers: logit
fails: test_logit test_soften test_logistic_growth test_fit_two_points test_decide
hint: logit-upside-down
"""
def logit(p):
    return np.log((1 - p) / p)
