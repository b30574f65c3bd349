"""Starts at 0, whatever it is given.

answers: newton
fails: test_newton
hint: start-ignored
"""
def newton(theta, X, y, C, steps):
    theta = np.zeros(X.shape[1] + 1)
    for _ in range(steps):
        theta = theta - np.linalg.solve(hessian(theta, X, C), gradient(theta, X, y, C))
    return theta
