"""Weights both factors, so that the weight of a row counts twice.

answers: hessian
fails: test_hessian test_newton
hint: weights-squared
"""
def hessian(theta, X, C):
    A = np.column_stack([X, np.ones(len(X))])
    p = sigmoid(A @ theta)
    s = p * sigmoid(-A @ theta)
    return (s[:, np.newaxis] * A).T @ (s[:, np.newaxis] * A) / len(X) + np.diag(np.append(np.full(X.shape[1], 1 / (C * len(X))), 0))
