"""Fits without a penalty, whatever C is.

answers: newton
fails: test_newton
hint: penalty-left-out
"""
def newton(theta, X, y, C, steps):
    for _ in range(steps):
        theta = theta - np.linalg.solve(hessian(theta, X, np.inf), gradient(theta, X, y, np.inf))
    return theta
