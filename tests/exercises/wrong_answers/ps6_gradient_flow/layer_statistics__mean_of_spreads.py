"""Averages the standard deviations.

answers: layer_statistics
fails: test_layer_statistics
hint: mean-not-root-mean-square
"""
def layer_statistics(activations):
    mean = np.mean(activations)
    spread = np.mean(np.std(activations, axis=0))
    return mean, spread, np.mean(activations * (1 - activations) < 0.01 / 4)
