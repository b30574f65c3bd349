"""Leaves the last layer at 0.

answers: centred_biases
fails: test_centred_biases
hint: last-layer-left-out
"""
def centred_biases(weights):
    first, *others, last = weights
    return [np.zeros(len(first)), *(-w.sum(axis=1) / 2 for w in others), np.zeros(len(last))]
