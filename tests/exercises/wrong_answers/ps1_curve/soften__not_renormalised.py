"""Takes the power of p and forgets that of 1 - p.

answers: soften
fails: test_soften
hint: not-renormalised
"""
def soften(p, temperature):
    if temperature <= 0:
        raise ValueError("the temperature must be positive")
    return p ** (1 / temperature)
