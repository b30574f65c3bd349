"""Leaves out the root.

answers: layer_statistics
fails: test_layer_statistics
hint: variance-not-spread
"""
def layer_statistics(activations):
    mean = np.mean(activations)
    spread = np.mean(np.var(activations, axis=0))
    return mean, spread, np.mean(activations * (1 - activations) < 0.01 / 4)
