"""Starts at 0, whatever it is given.

answers: gradient_descent
fails: test_gradient_descent
hint: start-ignored
"""
def gradient_descent(theta, X, y, C, rate, steps):
    theta = np.zeros(X.shape[1] + 1)
    trace = [cost(theta, X, y, C)]
    for _ in range(steps):
        theta = theta - rate * gradient(theta, X, y, C)
        trace.append(cost(theta, X, y, C))
    return theta, np.array(trace)
