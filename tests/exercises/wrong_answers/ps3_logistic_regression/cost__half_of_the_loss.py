"""Counts the rows with label 1 only.

answers: cost
fails: test_cost test_gradient_descent
hint: half-of-the-loss
"""
def cost(theta, X, y, C):
    weights = theta[:-1]
    z = X @ weights + theta[-1]
    return np.mean(y * softplus(-z)) + weights @ weights / (2 * C * len(y))
