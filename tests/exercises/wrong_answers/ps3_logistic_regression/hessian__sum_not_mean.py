"""Adds the rows up and forgets to divide.

answers: hessian
fails: test_hessian test_newton
hint: sum-not-mean
"""
def hessian(theta, X, C):
    A = np.column_stack([X, np.ones(len(X))])
    p = sigmoid(A @ theta)
    s = p * sigmoid(-A @ theta)
    return A.T @ (s[:, np.newaxis] * A) + np.diag(np.append(np.full(X.shape[1], 1 / (C * len(X))), 0))
