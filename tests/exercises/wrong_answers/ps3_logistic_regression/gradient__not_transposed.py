"""Multiplies the residuals by X, not by its transpose.

answers: gradient
fails: test_gradient test_gradient_descent test_newton
hint: not-transposed
"""
def gradient(theta, X, y, C):
    z = X @ theta[:-1] + theta[-1]
    r = sigmoid(z) - y
    return np.append(X @ r / len(y) + theta[:-1] / (C * len(y)), np.mean(r))
