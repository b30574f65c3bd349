"""Returns a percentage.

answers: layer_statistics
fails: test_layer_statistics
hint: percent-not-share
"""
def layer_statistics(activations):
    mean = np.mean(activations)
    spread = np.sqrt(np.mean(np.var(activations, axis=0)))
    return mean, spread, 100 * np.mean(activations * (1 - activations) < 0.01 / 4)
