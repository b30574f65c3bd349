"""Subtracts the whole sum of a row.

answers: centred_biases
fails: test_centred_biases
hint: mean-activation-taken-for-one
"""
def centred_biases(weights):
    first, *others = weights
    return [np.zeros(len(first)), *(-w.sum(axis=1) for w in others)]
