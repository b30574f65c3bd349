"""Divides the loss by n and the penalty not.

answers: hessian
fails: test_hessian test_newton
hint: penalty-not-averaged
"""
def hessian(theta, X, C):
    A = np.column_stack([X, np.ones(len(X))])
    p = sigmoid(A @ theta)
    s = p * sigmoid(-A @ theta)
    return A.T @ (s[:, np.newaxis] * A) / len(X) + np.diag(np.append(np.full(X.shape[1], 1 / C), 0))
