"""Divides the probability, not the log-odds.

answers: soften
fails: test_soften
hint: temperature-on-the-probability
"""
def soften(p, temperature):
    if temperature <= 0:
        raise ValueError("the temperature must be positive")
    return p / temperature
