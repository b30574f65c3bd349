"""Shifts the first layer as well.

answers: centred_biases
fails: test_centred_biases
hint: data-centred-again
"""
def centred_biases(weights):
    return [-w.sum(axis=1) / 2 for w in weights]
