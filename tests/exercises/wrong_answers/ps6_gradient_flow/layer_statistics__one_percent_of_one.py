"""Compares the slope with 0.01.

answers: layer_statistics
fails: test_layer_statistics
hint: largest-slope-taken-for-one
"""
def layer_statistics(activations):
    mean = np.mean(activations)
    spread = np.sqrt(np.mean(np.var(activations, axis=0)))
    return mean, spread, np.mean(activations * (1 - activations) < 0.01)
