"""Adds the penalty itself to every entry.

answers: gradient
fails: test_gradient test_gradient_descent test_newton
hint: penalty-not-differentiated
"""
def gradient(theta, X, y, C):
    z = X @ theta[:-1] + theta[-1]
    r = sigmoid(z) - y
    return np.append(X.T @ r / len(y) + theta[:-1] @ theta[:-1] / (2 * C * len(y)), np.mean(r))
