"""Counts.

answers: layer_statistics
fails: test_layer_statistics
hint: count-not-share
"""
def layer_statistics(activations):
    mean = np.mean(activations)
    spread = np.sqrt(np.mean(np.var(activations, axis=0)))
    return mean, spread, np.sum(activations * (1 - activations) < 0.01 / 4)
