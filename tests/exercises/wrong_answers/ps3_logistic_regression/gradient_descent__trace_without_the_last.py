"""Writes a cost down before each step only.

answers: gradient_descent
fails: test_gradient_descent
hint: trace-without-the-last
"""
def gradient_descent(theta, X, y, C, rate, steps):
    trace = []
    for _ in range(steps):
        trace.append(cost(theta, X, y, C))
        theta = theta - rate * gradient(theta, X, y, C)
    return theta, np.array(trace)
