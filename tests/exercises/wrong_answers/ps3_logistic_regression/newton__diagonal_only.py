"""Divides by the diagonal of the Hessian.

answers: newton
fails: test_newton
hint: diagonal-only
"""
def newton(theta, X, y, C, steps):
    for _ in range(steps):
        theta = theta - gradient(theta, X, y, C) / np.diag(hessian(theta, X, C))
    return theta
