"""Leaves the weights of the rows out: the Hessian of least squares.

answers: hessian
fails: test_hessian test_newton
hint: weights-left-out
"""
def hessian(theta, X, C):
    A = np.column_stack([X, np.ones(len(X))])
    p = sigmoid(A @ theta)
    s = np.ones(len(X))
    return A.T @ (s[:, np.newaxis] * A) / len(X) + np.diag(np.append(np.full(X.shape[1], 1 / (C * len(X))), 0))
