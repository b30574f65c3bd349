"""Takes the mean of a row.

answers: centred_biases
fails: test_centred_biases
hint: mean-of-the-weights
"""
def centred_biases(weights):
    first, *others = weights
    return [np.zeros(len(first)), *(-w.mean(axis=1) / 2 for w in others)]
