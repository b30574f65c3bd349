"""Takes a gain of 16, to be on the safe side.

answers: initialise
fails: test_initialise
hint: weights-too-large
"""
def initialise(widths, seed):
    rng = np.random.default_rng(seed)
    weights = [16 * rng.uniform(-1, 1, size=(o, i)) * np.sqrt(6 / (i + o)) for i, o in zip(widths[:-1], widths[1:])]
    return weights, [np.zeros(widths[1])] + [-w.sum(axis=1) / 2 for w in weights[1:]]
