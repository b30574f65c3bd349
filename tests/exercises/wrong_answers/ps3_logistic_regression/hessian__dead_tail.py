"""Weights by p (1 - p), which is 0 from a logit of 37 on.

answers: hessian
fails: test_hessian
hint: dead-tail
"""
def hessian(theta, X, C):
    A = np.column_stack([X, np.ones(len(X))])
    p = sigmoid(A @ theta)
    s = p * (1 - p)
    return A.T @ (s[:, np.newaxis] * A) / len(X) + np.diag(np.append(np.full(X.shape[1], 1 / (C * len(X))), 0))
