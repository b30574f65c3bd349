"""Squares 1 + exp(z), which overflows.

answers: hessian
fails: test_hessian
hint: overflow
"""
def hessian(theta, X, C):
    A = np.column_stack([X, np.ones(len(X))])
    p = sigmoid(A @ theta)
    s = np.exp(A @ theta) / (1 + np.exp(A @ theta)) ** 2
    return A.T @ (s[:, np.newaxis] * A) / len(X) + np.diag(np.append(np.full(X.shape[1], 1 / (C * len(X))), 0))
