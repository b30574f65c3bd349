"""Divides by 1 and subtracts p afterwards.

answers: logit
fails: test_logit test_soften test_logistic_growth test_fit_two_points test_decide
hint: precedence
"""
def logit(p):
    return np.log(p / 1 - p)
