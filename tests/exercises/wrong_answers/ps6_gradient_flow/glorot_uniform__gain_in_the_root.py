"""Puts the gain under the root.

answers: glorot_uniform
fails: test_glorot_uniform
hint: gain-inside-the-root
"""
def glorot_uniform(fan_out, fan_in, gain, seed):
    rng = np.random.default_rng(seed)
    r = np.sqrt(6 * gain / (fan_in + fan_out))
    return rng.uniform(-r, r, size=(fan_out, fan_in))
