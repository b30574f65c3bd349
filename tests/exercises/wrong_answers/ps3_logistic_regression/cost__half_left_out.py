"""Leaves the one half of the penalty out.

answers: cost
fails: test_cost test_gradient_descent
hint: half-left-out
"""
def cost(theta, X, y, C):
    weights = theta[:-1]
    z = X @ weights + theta[-1]
    return np.mean(y * softplus(-z) + (1 - y) * softplus(z)) + weights @ weights / (C * len(y))
