"""Has no penalty.

answers: hessian
fails: test_hessian test_newton
hint: penalty-left-out
"""
def hessian(theta, X, C):
    A = np.column_stack([X, np.ones(len(X))])
    p = sigmoid(A @ theta)
    s = p * sigmoid(-A @ theta)
    return A.T @ (s[:, np.newaxis] * A) / len(X) + 0
