"""Counts the inputs only, as He does.

answers: glorot_uniform
fails: test_glorot_uniform
hint: fan-in-only
"""
def glorot_uniform(fan_out, fan_in, gain, seed):
    rng = np.random.default_rng(seed)
    r = gain * np.sqrt(6 / fan_in)
    return rng.uniform(-r, r, size=(fan_out, fan_in))
