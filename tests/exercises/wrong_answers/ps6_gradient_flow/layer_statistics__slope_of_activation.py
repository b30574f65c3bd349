"""Takes the slope at the activation.

answers: layer_statistics
fails: test_layer_statistics
hint: slope-of-an-activation
"""
def layer_statistics(activations):
    mean = np.mean(activations)
    spread = np.sqrt(np.mean(np.var(activations, axis=0)))
    return mean, spread, np.mean(sigmoid_derivative(activations) < 0.01 / 4)
