"""Penalises the whole of theta.

answers: hessian
fails: test_hessian test_newton
hint: intercept-penalised
"""
def hessian(theta, X, C):
    A = np.column_stack([X, np.ones(len(X))])
    p = sigmoid(A @ theta)
    s = p * sigmoid(-A @ theta)
    return A.T @ (s[:, np.newaxis] * A) / len(X) + np.eye(len(theta)) / (C * len(X))
