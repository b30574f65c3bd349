"""Takes label minus probability, which points downhill.

answers: gradient
fails: test_gradient test_gradient_descent test_newton
hint: gradient-sign
"""
def gradient(theta, X, y, C):
    z = X @ theta[:-1] + theta[-1]
    r = y - sigmoid(z)
    return np.append(X.T @ r / len(y) + theta[:-1] / (C * len(y)), np.mean(r))
