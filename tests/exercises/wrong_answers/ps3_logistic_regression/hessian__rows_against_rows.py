"""Puts the transpose on the wrong side: one entry for each pair of rows.

answers: hessian
fails: test_hessian test_newton
hint: rows-against-rows
"""
def hessian(theta, X, C):
    A = np.column_stack([X, np.ones(len(X))])
    s = sigmoid(A @ theta) * sigmoid(-A @ theta)
    H = A @ A.T * s / len(X)
    return H if C == np.inf else H + np.eye(len(X)) / (C * len(X))
