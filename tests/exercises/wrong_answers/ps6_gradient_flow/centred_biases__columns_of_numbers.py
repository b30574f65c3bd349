"""Keeps the axis over which it sums.

answers: centred_biases
fails: test_centred_biases
hint: column-for-a-bias
"""
def centred_biases(weights):
    first, *others = weights
    return [np.zeros((len(first), 1)), *(-w.sum(axis=1, keepdims=True) / 2 for w in others)]
