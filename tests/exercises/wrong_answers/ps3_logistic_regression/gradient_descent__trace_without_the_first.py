"""Writes a cost down after each step only.

answers: gradient_descent
fails: test_gradient_descent
hint: trace-without-the-first
"""
def gradient_descent(theta, X, y, C, rate, steps):
    trace = []
    for _ in range(steps):
        theta = theta - rate * gradient(theta, X, y, C)
        trace.append(cost(theta, X, y, C))
    return theta, np.array(trace)
