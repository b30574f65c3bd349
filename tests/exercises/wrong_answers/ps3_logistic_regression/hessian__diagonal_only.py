"""Computes the second derivative for each entry of theta, and none across.

answers: hessian
fails: test_hessian test_newton
hint: diagonal-only
"""
def hessian(theta, X, C):
    A = np.column_stack([X, np.ones(len(X))])
    p = sigmoid(A @ theta)
    s = p * sigmoid(-A @ theta)
    return np.diag(s @ A**2) / len(X) + np.diag(np.append(np.full(X.shape[1], 1 / (C * len(X))), 0))
