"""Returns by which part the odds grow.

answers: odds_ratios
fails: test_odds_ratios
hint: increase-not-ratio
"""
def odds_ratios(theta, scale, amount):
    return np.expm1(theta[:-1] * amount / scale)
