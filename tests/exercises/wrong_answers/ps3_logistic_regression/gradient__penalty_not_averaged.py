"""Divides the loss by n and the penalty not.

answers: gradient
fails: test_gradient test_gradient_descent test_newton
hint: penalty-not-averaged
"""
def gradient(theta, X, y, C):
    z = X @ theta[:-1] + theta[-1]
    r = sigmoid(z) - y
    return np.append(X.T @ r / len(y) + theta[:-1] / C, np.mean(r))
