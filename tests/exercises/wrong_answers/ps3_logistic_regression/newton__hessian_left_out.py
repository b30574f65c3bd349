"""Takes steps of gradient descent.

answers: newton
fails: test_newton
hint: hessian-left-out
"""
def newton(theta, X, y, C, steps):
    for _ in range(steps):
        theta = theta - gradient(theta, X, y, C)
    return theta
