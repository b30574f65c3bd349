"""Adds where it should subtract.

answers: centred_biases
fails: test_centred_biases
hint: away-from-the-centre
"""
def centred_biases(weights):
    first, *others = weights
    return [np.zeros(len(first)), *(w.sum(axis=1) / 2 for w in others)]
