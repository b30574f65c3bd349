"""Adds up columns.

answers: centred_biases
fails: test_centred_biases
hint: columns-not-rows
"""
def centred_biases(weights):
    first, *others = weights
    return [np.zeros(len(first)), *(-w.sum(axis=0) / 2 for w in others)]
