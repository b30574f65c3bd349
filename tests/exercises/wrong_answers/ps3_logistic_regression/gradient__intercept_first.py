"""Puts the derivative for the intercept first.

answers: gradient
fails: test_gradient test_gradient_descent test_newton
hint: intercept-first
"""
def gradient(theta, X, y, C):
    z = X @ theta[:-1] + theta[-1]
    r = sigmoid(z) - y
    return np.append(np.mean(r), X.T @ r / len(y) + theta[:-1] / (C * len(y)))
