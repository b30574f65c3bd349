"""Looks near 1 only.

answers: layer_statistics
fails: test_layer_statistics
hint: one-end-only
"""
def layer_statistics(activations):
    mean = np.mean(activations)
    spread = np.sqrt(np.mean(np.var(activations, axis=0)))
    return mean, spread, np.mean((activations * (1 - activations) < 0.01 / 4) & (activations > 0.5))
