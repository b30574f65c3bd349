"""Multiplies the penalty by C, as if C were its strength.

answers: hessian
fails: test_hessian test_newton
hint: c-for-lambda
"""
def hessian(theta, X, C):
    A = np.column_stack([X, np.ones(len(X))])
    p = sigmoid(A @ theta)
    s = p * sigmoid(-A @ theta)
    return A.T @ (s[:, np.newaxis] * A) / len(X) + (np.diag(np.append(np.full(X.shape[1], C / len(X)), 0)) if C < np.inf else 0)
