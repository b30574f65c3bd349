"""Takes logit minus label, the residual of a straight line.

answers: gradient
fails: test_gradient test_gradient_descent test_newton
hint: logits-not-probabilities
"""
def gradient(theta, X, y, C):
    z = X @ theta[:-1] + theta[-1]
    r = z - y
    return np.append(X.T @ r / len(y) + theta[:-1] / (C * len(y)), np.mean(r))
