"""Returns the derivatives for the weights only.

answers: gradient
fails: test_gradient test_gradient_descent test_newton
hint: derivative-left-out
"""
def gradient(theta, X, y, C):
    z = X @ theta[:-1] + theta[-1]
    r = sigmoid(z) - y
    return X.T @ r / len(y) + theta[:-1] / (C * len(y))
