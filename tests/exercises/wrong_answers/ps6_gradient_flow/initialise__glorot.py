"""Draws Glorot's weights with gain 1, and no biases.

answers: initialise
fails: test_initialise
hint: weights-too-small
"""
def initialise(widths, seed):
    rng = np.random.default_rng(seed)
    weights, biases = [], []
    for fan_in, fan_out in zip(widths[:-1], widths[1:]):
        r = np.sqrt(6 / (fan_in + fan_out))
        weights.append(rng.uniform(-r, r, size=(fan_out, fan_in)))
        biases.append(np.zeros(fan_out))
    return weights, biases
