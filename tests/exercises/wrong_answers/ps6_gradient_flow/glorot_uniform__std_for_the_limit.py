"""Draws from minus to plus the standard deviation.

answers: glorot_uniform
fails: test_glorot_uniform
hint: std-for-the-limit
"""
def glorot_uniform(fan_out, fan_in, gain, seed):
    rng = np.random.default_rng(seed)
    r = gain * np.sqrt(2 / (fan_in + fan_out))
    return rng.uniform(-r, r, size=(fan_out, fan_in))
