"""Puts a probability where a logit belongs.

answers: soften
fails: test_soften
hint: probability-taken-for-a-logit
"""
def soften(p, temperature):
    if temperature <= 0:
        raise ValueError("the temperature must be positive")
    return 1 / (1 + np.exp(-p / temperature))
