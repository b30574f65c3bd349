"""Uses the form for labels of -1 and 1 with labels of 0 and 1.

answers: cost
fails: test_cost test_gradient_descent
hint: labels-as-signs
"""
def cost(theta, X, y, C):
    weights = theta[:-1]
    z = X @ weights + theta[-1]
    return np.mean(softplus(-y * z)) + weights @ weights / (2 * C * len(y))
