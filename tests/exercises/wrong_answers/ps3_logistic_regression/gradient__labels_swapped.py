"""Gives each row the label of the other class.

answers: gradient
fails: test_gradient test_gradient_descent test_newton
hint: labels-swapped
"""
def gradient(theta, X, y, C):
    z = X @ theta[:-1] + theta[-1]
    r = sigmoid(z) - (1 - y)
    return np.append(X.T @ r / len(y) + theta[:-1] / (C * len(y)), np.mean(r))
