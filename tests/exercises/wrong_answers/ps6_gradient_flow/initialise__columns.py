"""Adds up the columns of the weights.

answers: initialise
fails: test_initialise
hint: units-off-centre
"""
def initialise(widths, seed):
    rng = np.random.default_rng(seed)
    weights = [4 * rng.uniform(-1, 1, size=(o, i)) * np.sqrt(6 / (i + o)) for i, o in zip(widths[:-1], widths[1:])]
    biases = [-w.sum(axis=0) / 2 for w in weights[1:-1]]
    return weights, [np.zeros(widths[1]), *biases, np.zeros(widths[-1])]
