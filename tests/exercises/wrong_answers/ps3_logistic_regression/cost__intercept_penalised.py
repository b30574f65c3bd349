"""Penalises the whole of theta.

answers: cost
fails: test_cost test_gradient_descent
hint: intercept-penalised
"""
def cost(theta, X, y, C):
    weights = theta[:-1]
    z = X @ weights + theta[-1]
    return np.mean(y * softplus(-z) + (1 - y) * softplus(z)) + theta @ theta / (2 * C * len(y))
