"""Returns the last step instead of where it leads.

answers: newton
fails: test_newton
hint: step-not-point
"""
def newton(theta, X, y, C, steps):
    step = np.zeros(len(theta))
    for _ in range(steps):
        step = np.linalg.solve(hessian(theta, X, C), gradient(theta, X, y, C))
        theta = theta - step
    return step
