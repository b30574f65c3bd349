"""Writes the softplus out as log(1 + exp(z)), which overflows.

answers: cost
fails: test_cost
hint: overflow
"""
def cost(theta, X, y, C):
    weights = theta[:-1]
    z = X @ weights + theta[-1]
    return np.mean(np.log1p(np.exp(z)) - y * z) + weights @ weights / (2 * C * len(y))
