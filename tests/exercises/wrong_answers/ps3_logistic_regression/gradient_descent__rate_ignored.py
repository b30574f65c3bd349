"""Steps by the whole gradient, whatever the rate.

answers: gradient_descent
fails: test_gradient_descent
hint: rate-ignored
"""
def gradient_descent(theta, X, y, C, rate, steps):
    trace = [cost(theta, X, y, C)]
    for _ in range(steps):
        theta = theta - gradient(theta, X, y, C)
        trace.append(cost(theta, X, y, C))
    return theta, np.array(trace)
