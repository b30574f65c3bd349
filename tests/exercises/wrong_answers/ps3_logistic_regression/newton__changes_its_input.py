"""Subtracts in place and moves the caller's start away.

answers: newton
fails: test_newton
hint: changes-its-input
"""
def newton(theta, X, y, C, steps):
    for _ in range(steps):
        theta -= np.linalg.solve(hessian(theta, X, C), gradient(theta, X, y, C))
    return theta
