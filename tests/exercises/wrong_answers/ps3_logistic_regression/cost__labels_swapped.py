"""Gives each row the loss of the other class.

answers: cost
fails: test_cost test_gradient_descent
hint: labels-swapped
"""
def cost(theta, X, y, C):
    weights = theta[:-1]
    z = X @ weights + theta[-1]
    return np.mean(y * softplus(z) + (1 - y) * softplus(-z)) + weights @ weights / (2 * C * len(y))
