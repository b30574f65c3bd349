"""Draws from a normal distribution of the right spread.

answers: glorot_uniform
fails: test_glorot_uniform
hint: normal-not-uniform
"""
def glorot_uniform(fan_out, fan_in, gain, seed):
    rng = np.random.default_rng(seed)
    r = gain * np.sqrt(2 / (fan_in + fan_out))
    return rng.normal(0, r, size=(fan_out, fan_in))
