"""Takes the logarithm of rounded probabilities.

answers: cost
fails: test_cost
hint: log-after-sigmoid
"""
def cost(theta, X, y, C):
    weights = theta[:-1]
    z = X @ weights + theta[-1]
    p = sigmoid(z)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + weights @ weights / (2 * C * len(y))
