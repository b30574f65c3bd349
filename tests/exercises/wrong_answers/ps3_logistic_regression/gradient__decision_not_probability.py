"""Takes the error of the decision, as the perceptron does.

answers: gradient
fails: test_gradient test_gradient_descent test_newton
hint: decision-not-probability
"""
def gradient(theta, X, y, C):
    z = X @ theta[:-1] + theta[-1]
    r = (z > 0) - y
    return np.append(X.T @ r / len(y) + theta[:-1] / (C * len(y)), np.mean(r))
