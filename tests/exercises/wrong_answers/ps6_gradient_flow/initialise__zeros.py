"""Starts at 0.

answers: initialise
fails: test_initialise
hint: all-units-alike
"""
def initialise(widths, seed):
    rng = np.random.default_rng(seed)
    weights = [np.zeros((o, i)) for i, o in zip(widths[:-1], widths[1:])]
    return weights, [np.zeros(len(w)) for w in weights]
