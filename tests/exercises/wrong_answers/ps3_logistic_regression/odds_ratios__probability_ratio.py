"""Compares probabilities, starting from the intercept.

answers: odds_ratios
fails: test_odds_ratios
hint: probability-ratio
"""
def odds_ratios(theta, scale, amount):
    return sigmoid(theta[-1] + theta[:-1] * amount / scale) / sigmoid(theta[-1])
