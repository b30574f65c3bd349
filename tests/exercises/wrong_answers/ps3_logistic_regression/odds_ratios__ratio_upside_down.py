"""Divides the odds before by the odds after.

answers: odds_ratios
fails: test_odds_ratios
hint: ratio-upside-down
"""
def odds_ratios(theta, scale, amount):
    return np.exp(-theta[:-1] * amount / scale)
