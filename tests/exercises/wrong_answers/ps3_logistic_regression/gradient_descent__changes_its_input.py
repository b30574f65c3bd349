"""Subtracts in place and moves the caller's start away.

answers: gradient_descent
fails: test_gradient_descent
hint: changes-its-input
"""
def gradient_descent(theta, X, y, C, rate, steps):
    trace = [cost(theta, X, y, C)]
    for _ in range(steps):
        theta -= rate * gradient(theta, X, y, C)
        trace.append(cost(theta, X, y, C))
    return theta, np.array(trace)
