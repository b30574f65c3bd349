"""Clips the probabilities before the logarithm, which caps the loss at 34.5.

answers: cost
fails: test_cost
hint: eps-clipped
"""
def cost(theta, X, y, C):
    weights = theta[:-1]
    z = X @ weights + theta[-1]
    p = np.clip(sigmoid(z), 1e-15, 1 - 1e-15)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + weights @ weights / (2 * C * len(y))
