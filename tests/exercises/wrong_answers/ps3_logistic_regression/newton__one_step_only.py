"""Returns from inside the loop.

answers: newton
fails: test_newton
hint: one-step-only
"""
def newton(theta, X, y, C, steps):
    for _ in range(steps):
        theta = theta - np.linalg.solve(hessian(theta, X, C), gradient(theta, X, y, C))
        return theta
    return theta
