"""Adds the rows up and forgets to divide.

answers: gradient
fails: test_gradient test_gradient_descent test_newton
hint: sum-not-mean
"""
def gradient(theta, X, y, C):
    z = X @ theta[:-1] + theta[-1]
    r = sigmoid(z) - y
    return np.append(X.T @ r + theta[:-1] / (C * len(y)), np.sum(r))
