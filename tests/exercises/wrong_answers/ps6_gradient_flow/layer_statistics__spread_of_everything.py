"""Takes the standard deviation of all numbers.

answers: layer_statistics
fails: test_layer_statistics
hint: spread-between-units
"""
def layer_statistics(activations):
    mean = np.mean(activations)
    spread = np.std(activations)
    return mean, spread, np.mean(activations * (1 - activations) < 0.01 / 4)
