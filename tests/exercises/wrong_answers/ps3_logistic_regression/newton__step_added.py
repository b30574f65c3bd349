"""Adds the step and goes the wrong way.

answers: newton
fails: test_newton
hint: step-added
"""
def newton(theta, X, y, C, steps):
    for _ in range(steps):
        theta = theta + np.linalg.solve(hessian(theta, X, C), gradient(theta, X, y, C))
    return theta
