"""Adds the losses up and forgets to divide.

answers: cost
fails: test_cost test_gradient_descent
hint: sum-not-mean
"""
def cost(theta, X, y, C):
    weights = theta[:-1]
    z = X @ weights + theta[-1]
    return np.sum(y * softplus(-z) + (1 - y) * softplus(z)) + weights @ weights / (2 * C * len(y))
