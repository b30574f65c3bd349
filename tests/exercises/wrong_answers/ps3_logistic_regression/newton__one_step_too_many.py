"""Steps while the count is at most steps.

answers: newton
fails: test_newton
hint: one-step-too-many
"""
def newton(theta, X, y, C, steps):
    for _ in range(steps + 1):
        theta = theta - np.linalg.solve(hessian(theta, X, C), gradient(theta, X, y, C))
    return theta
