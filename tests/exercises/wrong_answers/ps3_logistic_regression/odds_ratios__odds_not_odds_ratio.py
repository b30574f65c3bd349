"""Keeps the intercept, so these are odds.

answers: odds_ratios
fails: test_odds_ratios
hint: odds-not-odds-ratio
"""
def odds_ratios(theta, scale, amount):
    return np.exp(theta[-1] + theta[:-1] * amount / scale)
