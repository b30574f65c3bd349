"""Multiplies the log-odds by the temperature.

answers: soften
fails: test_soften
hint: temperature-upside-down
"""
def soften(p, temperature):
    if temperature <= 0:
        raise ValueError("the temperature must be positive")
    return 1 / (1 + np.exp(-temperature * np.log(p / (1 - p))))
