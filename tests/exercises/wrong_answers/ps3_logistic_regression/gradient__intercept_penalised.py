"""Penalises the whole of theta.

answers: gradient
fails: test_gradient test_gradient_descent test_newton
hint: intercept-penalised
"""
def gradient(theta, X, y, C):
    z = X @ theta[:-1] + theta[-1]
    r = sigmoid(z) - y
    return np.append(X.T @ r / len(y), np.mean(r)) + theta / (C * len(y))
