"""Keeps the Hessian of the start.

answers: newton
fails: test_newton
hint: hessian-not-renewed
"""
def newton(theta, X, y, C, steps):
    curvature = hessian(theta, X, C)
    for _ in range(steps):
        theta = theta - np.linalg.solve(curvature, gradient(theta, X, y, C))
    return theta
