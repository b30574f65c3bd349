"""Multiplies the penalty by C, as if C were its strength.

answers: cost
fails: test_cost test_gradient_descent
hint: c-for-lambda
"""
def cost(theta, X, y, C):
    weights = theta[:-1]
    z = X @ weights + theta[-1]
    return np.mean(y * softplus(-z) + (1 - y) * softplus(z)) + C * (weights @ weights) / (2 * len(y))
