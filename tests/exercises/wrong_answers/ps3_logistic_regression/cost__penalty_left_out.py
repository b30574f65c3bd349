"""Has no penalty.

answers: cost
fails: test_cost test_gradient_descent
hint: penalty-left-out
"""
def cost(theta, X, y, C):
    z = X @ theta[:-1] + theta[-1]
    return np.mean(y * softplus(-z) + (1 - y) * softplus(z))
