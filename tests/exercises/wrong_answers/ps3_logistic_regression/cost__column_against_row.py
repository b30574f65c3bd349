"""Subtracts a row of labels from a column of logits.

answers: cost
fails: test_cost test_gradient_descent
hint: column-against-row
"""
def cost(theta, X, y, C):
    weights = theta[:-1]
    z = X @ weights.reshape(-1, 1) + theta[-1]
    return np.mean(y * softplus(-z) + (1 - y) * softplus(z)) + weights @ weights / (2 * C * len(y))
