"""Takes the gradient once, before the loop.

answers: gradient_descent
fails: test_gradient_descent
hint: gradient-not-renewed
"""
def gradient_descent(theta, X, y, C, rate, steps):
    slope = gradient(theta, X, y, C)
    trace = [cost(theta, X, y, C)]
    for _ in range(steps):
        theta = theta - rate * slope
        trace.append(cost(theta, X, y, C))
    return theta, np.array(trace)
