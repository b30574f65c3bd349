"""Forgets the minus before the logarithms.

answers: cost
fails: test_cost test_gradient_descent
hint: minus-left-out
"""
def cost(theta, X, y, C):
    weights = theta[:-1]
    z = X @ weights + theta[-1]
    p = np.clip(sigmoid(z), 1e-300, 1 - 1e-16)
    return np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + weights @ weights / (2 * C * len(y))
