"""Multiplies the gradient by the Hessian.

answers: newton
fails: test_newton
hint: multiplied-not-solved
"""
def newton(theta, X, y, C, steps):
    for _ in range(steps):
        theta = theta - hessian(theta, X, C) @ gradient(theta, X, y, C)
    return theta
