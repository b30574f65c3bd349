"""Divides by N - 1.

answers: layer_statistics
fails: test_layer_statistics
hint: one-less-than-n
"""
def layer_statistics(activations):
    mean = np.mean(activations)
    spread = np.sqrt(np.mean(np.var(activations, axis=0, ddof=1)))
    return mean, spread, np.mean(activations * (1 - activations) < 0.01 / 4)
