"""Multiplies the penalty by C, as if C were its strength.

answers: gradient
fails: test_gradient test_gradient_descent test_newton
hint: c-for-lambda
"""
def gradient(theta, X, y, C):
    z = X @ theta[:-1] + theta[-1]
    r = sigmoid(z) - y
    return np.append(X.T @ r / len(y) + C * theta[:-1] / len(y), np.mean(r))
