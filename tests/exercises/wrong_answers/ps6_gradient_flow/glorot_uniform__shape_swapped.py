"""Has the inputs along the rows.

answers: glorot_uniform
fails: test_glorot_uniform
hint: fans-swapped
"""
def glorot_uniform(fan_out, fan_in, gain, seed):
    rng = np.random.default_rng(seed)
    r = gain * np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-r, r, size=(fan_in, fan_out))
