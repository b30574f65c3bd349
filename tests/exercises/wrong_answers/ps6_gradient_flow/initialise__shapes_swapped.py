"""Has the inputs along the rows.

answers: initialise
fails: test_initialise
hint: fans-swapped
"""
def initialise(widths, seed):
    rng = np.random.default_rng(seed)
    weights = [4 * rng.uniform(-1, 1, size=(i, o)) * np.sqrt(6 / (i + o)) for i, o in zip(widths[:-1], widths[1:])]
    return weights, [np.zeros(widths[1])] + [-w.sum(axis=0) / 2 for w in weights[1:]]
