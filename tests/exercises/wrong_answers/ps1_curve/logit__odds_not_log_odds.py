"""Stops at the odds.

answers: logit
fails: test_logit test_soften test_logistic_growth test_fit_two_points test_decide
hint: odds-not-log-odds
"""
def logit(p):
    return p / (1 - p)
