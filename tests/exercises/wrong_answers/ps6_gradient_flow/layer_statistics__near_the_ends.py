"""Calls an activation saturated within 1% of 0 or 1.

answers: layer_statistics
fails: test_layer_statistics
hint: value-not-slope
"""
def layer_statistics(activations):
    mean = np.mean(activations)
    spread = np.sqrt(np.mean(np.var(activations, axis=0)))
    return mean, spread, np.mean((activations < 0.01) | (activations > 0.99))
