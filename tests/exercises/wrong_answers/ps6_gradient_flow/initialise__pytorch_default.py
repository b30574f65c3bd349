"""Draws what torch.nn.Linear draws.

answers: initialise
fails: test_initialise
hint: weights-too-small
"""
def initialise(widths, seed):
    rng = np.random.default_rng(seed)
    weights, biases = [], []
    for fan_in, fan_out in zip(widths[:-1], widths[1:]):
        r = 1 / np.sqrt(fan_in)
        weights.append(rng.uniform(-r, r, size=(fan_out, fan_in)))
        biases.append(rng.uniform(-r, r, size=fan_out))
    return weights, biases
