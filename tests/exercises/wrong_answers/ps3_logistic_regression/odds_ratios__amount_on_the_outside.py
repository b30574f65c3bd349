"""Multiplies the ratio by the amount instead of raising it to that power.

answers: odds_ratios
fails: test_odds_ratios
hint: amount-on-the-outside
"""
def odds_ratios(theta, scale, amount):
    return amount * np.exp(theta[:-1] / scale)
