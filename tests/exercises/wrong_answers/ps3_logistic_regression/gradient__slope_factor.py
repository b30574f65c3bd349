"""Multiplies by the slope of the sigmoid, as the squared error would.

answers: gradient
fails: test_gradient test_gradient_descent test_newton
hint: slope-factor
"""
def gradient(theta, X, y, C):
    z = X @ theta[:-1] + theta[-1]
    r = (sigmoid(z) - y) * sigmoid(z) * sigmoid(-z)
    return np.append(X.T @ r / len(y) + theta[:-1] / (C * len(y)), np.mean(r))
