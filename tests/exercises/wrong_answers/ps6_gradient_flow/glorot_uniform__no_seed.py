"""Draws from a generator of its own.

answers: glorot_uniform
fails: test_glorot_uniform
hint: seed-ignored
"""
def glorot_uniform(fan_out, fan_in, gain, seed):
    rng = np.random.default_rng()
    r = gain * np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-r, r, size=(fan_out, fan_in))
