"""Forgets the penalty in the Hessian: same end, longer way.

answers: newton
fails: test_newton
hint: penalty-in-one-of-two
"""
def newton(theta, X, y, C, steps):
    for _ in range(steps):
        theta = theta - np.linalg.solve(hessian(theta, X, np.inf), gradient(theta, X, y, C))
    return theta
