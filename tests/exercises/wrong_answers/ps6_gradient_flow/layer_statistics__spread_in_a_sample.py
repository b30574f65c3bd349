"""Spreads over the units of each sample.

answers: layer_statistics
fails: test_layer_statistics
hint: spread-within-a-sample
"""
def layer_statistics(activations):
    mean = np.mean(activations)
    spread = np.sqrt(np.mean(np.var(activations, axis=1)))
    return mean, spread, np.mean(activations * (1 - activations) < 0.01 / 4)
