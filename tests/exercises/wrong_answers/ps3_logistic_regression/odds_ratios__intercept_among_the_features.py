"""Gives the intercept a ratio too.

answers: odds_ratios
fails: test_odds_ratios
hint: intercept-among-the-features
"""
def odds_ratios(theta, scale, amount):
    return np.exp(theta * amount / np.append(scale, 1))
