"""Takes a gain of 4, and no biases.

answers: initialise
fails: test_initialise
hint: units-off-centre
"""
def initialise(widths, seed):
    rng = np.random.default_rng(seed)
    weights = [4 * rng.uniform(-1, 1, size=(o, i)) * np.sqrt(6 / (i + o)) for i, o in zip(widths[:-1], widths[1:])]
    return weights, [np.zeros(len(w)) for w in weights]
