"""Draws from 0 to the limit.

answers: glorot_uniform
fails: test_glorot_uniform
hint: only-positive
"""
def glorot_uniform(fan_out, fan_in, gain, seed):
    rng = np.random.default_rng(seed)
    r = gain * np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(0, r, size=(fan_out, fan_in))
