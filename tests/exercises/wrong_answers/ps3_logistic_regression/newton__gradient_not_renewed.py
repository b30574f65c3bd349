"""Computes the step once and repeats it.

answers: newton
fails: test_newton
hint: gradient-not-renewed
"""
def newton(theta, X, y, C, steps):
    step = np.linalg.solve(hessian(theta, X, C), gradient(theta, X, y, C))
    for _ in range(steps):
        theta = theta - step
    return theta
