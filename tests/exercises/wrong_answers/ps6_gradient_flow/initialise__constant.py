"""Gives every weight the same value.

answers: initialise
fails: test_initialise
hint: all-units-alike
"""
def initialise(widths, seed):
    rng = np.random.default_rng(seed)
    weights = [np.full((o, i), 4 / i) for i, o in zip(widths[:-1], widths[1:])]
    return weights, [np.zeros(widths[1])] + [-w.sum(axis=1) / 2 for w in weights[1:]]
