"""Multiplies by the standard deviation.

answers: odds_ratios
fails: test_odds_ratios
hint: scale-upside-down
"""
def odds_ratios(theta, scale, amount):
    return np.exp(theta[:-1] * amount * scale)
