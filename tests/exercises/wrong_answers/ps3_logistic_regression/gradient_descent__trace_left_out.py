"""Returns the end of the way only.

answers: gradient_descent
fails: test_gradient_descent
hint: trace-left-out
"""
def gradient_descent(theta, X, y, C, rate, steps):
    trace = [cost(theta, X, y, C)]
    for _ in range(steps):
        theta = theta - rate * gradient(theta, X, y, C)
        trace.append(cost(theta, X, y, C))
    return theta
