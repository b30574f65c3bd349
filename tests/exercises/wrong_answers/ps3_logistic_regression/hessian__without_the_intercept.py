"""Leaves the intercept's row and column out.

answers: hessian
fails: test_hessian test_newton
hint: derivative-left-out
"""
def hessian(theta, X, C):
    z = X @ theta[:-1] + theta[-1]
    s = sigmoid(z) * sigmoid(-z)
    return X.T @ (s[:, np.newaxis] * X) / len(X) + np.eye(X.shape[1]) / (C * len(X))
