"""Draws He's weights, made for relu.

answers: initialise
fails: test_initialise
hint: weights-too-small
"""
def initialise(widths, seed):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(o, i)) * np.sqrt(2 / i) for i, o in zip(widths[:-1], widths[1:])]
    return weights, [np.zeros(len(w)) for w in weights]
