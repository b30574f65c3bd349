"""Passes the inverse of C on.

answers: newton
fails: test_newton
hint: c-for-lambda
"""
def newton(theta, X, y, C, steps):
    for _ in range(steps):
        theta = theta - np.linalg.solve(hessian(theta, X, 1 / C), gradient(theta, X, y, 1 / C))
    return theta
