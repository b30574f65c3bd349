"""Divides the loss by n and the penalty not.

answers: cost
fails: test_cost test_gradient_descent
hint: penalty-not-averaged
"""
def cost(theta, X, y, C):
    weights = theta[:-1]
    z = X @ weights + theta[-1]
    return np.mean(y * softplus(-z) + (1 - y) * softplus(z)) + weights @ weights / (2 * C)
