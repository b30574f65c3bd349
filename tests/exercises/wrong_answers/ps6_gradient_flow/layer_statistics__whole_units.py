"""Counts units that are saturated for every sample.

answers: layer_statistics
fails: test_layer_statistics
hint: units-not-activations
"""
def layer_statistics(activations):
    mean = np.mean(activations)
    spread = np.sqrt(np.mean(np.var(activations, axis=0)))
    return mean, spread, np.mean(np.all(activations * (1 - activations) < 0.01 / 4, axis=0))
