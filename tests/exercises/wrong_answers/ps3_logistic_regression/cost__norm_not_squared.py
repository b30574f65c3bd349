"""Penalises the length of the weights, not its square.

answers: cost
fails: test_cost test_gradient_descent
hint: norm-not-squared
"""
def cost(theta, X, y, C):
    weights = theta[:-1]
    z = X @ weights + theta[-1]
    return np.mean(y * softplus(-z) + (1 - y) * softplus(z)) + np.linalg.norm(weights) / (2 * C * len(y))
