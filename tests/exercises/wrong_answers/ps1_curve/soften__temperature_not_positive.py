"""Accepts any temperature.

answers: soften
fails: test_soften
hint: temperature-not-positive
"""
def soften(p, temperature):
    return 1 / (1 + np.exp(-np.log(p / (1 - p)) / temperature))
