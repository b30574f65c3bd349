"""Ignores the gain.

answers: glorot_uniform
fails: test_glorot_uniform
hint: gain-left-out
"""
def glorot_uniform(fan_out, fan_in, gain, seed):
    rng = np.random.default_rng(seed)
    r = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-r, r, size=(fan_out, fan_in))
