"""Counts in standard deviations.

answers: odds_ratios
fails: test_odds_ratios
hint: scale-left-out
"""
def odds_ratios(theta, scale, amount):
    return np.exp(theta[:-1] * amount)
