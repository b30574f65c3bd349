"""Puts the intercept's row and column first.

answers: hessian
fails: test_hessian test_newton
hint: intercept-first
"""
def hessian(theta, X, C):
    A = np.column_stack([np.ones(len(X)), X])
    z = X @ theta[:-1] + theta[-1]
    s = sigmoid(z) * sigmoid(-z)
    return A.T @ (s[:, np.newaxis] * A) / len(X) + np.diag(np.append(0, np.full(X.shape[1], 1 / (C * len(X)))))
