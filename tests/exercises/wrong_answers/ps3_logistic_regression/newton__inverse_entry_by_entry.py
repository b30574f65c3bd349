"""Takes 1 / H for the inverse of H.

answers: newton
fails: test_newton
hint: inverse-entry-by-entry
"""
def newton(theta, X, y, C, steps):
    for _ in range(steps):
        theta = theta - (1 / hessian(theta, X, C)) @ gradient(theta, X, y, C)
    return theta
