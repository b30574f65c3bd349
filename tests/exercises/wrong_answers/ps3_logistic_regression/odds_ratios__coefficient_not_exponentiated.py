"""Stops at what is added to the log-odds.

answers: odds_ratios
fails: test_odds_ratios
hint: coefficient-not-exponentiated
"""
def odds_ratios(theta, scale, amount):
    return theta[:-1] * amount / scale
