"""Adds up the whole matrix and gives every unit the same.

answers: centred_biases
fails: test_centred_biases
hint: one-bias-for-all-units
"""
def centred_biases(weights):
    first, *others = weights
    return [np.zeros(len(first)), *(np.full(len(w), -w.sum() / 2) for w in others)]
