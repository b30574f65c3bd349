"""Returns a loss for each row.

answers: cost
fails: test_cost test_gradient_descent
hint: mean-left-out
"""
def cost(theta, X, y, C):
    weights = theta[:-1]
    z = X @ weights + theta[-1]
    return y * softplus(-z) + (1 - y) * softplus(z) + weights @ weights / (2 * C * len(y))
