"""Gives the ratio for one unit, whatever the amount.

answers: odds_ratios
fails: test_odds_ratios
hint: amount-left-out
"""
def odds_ratios(theta, scale, amount):
    return np.exp(theta[:-1] / scale)
