"""Uses the form for labels of -1 and 1 with labels of 0 and 1.

answers: gradient
fails: test_gradient test_gradient_descent test_newton
hint: labels-as-signs
"""
def gradient(theta, X, y, C):
    z = X @ theta[:-1] + theta[-1]
    r = -y * sigmoid(-y * z)
    return np.append(X.T @ r / len(y) + theta[:-1] / (C * len(y)), np.mean(r))
