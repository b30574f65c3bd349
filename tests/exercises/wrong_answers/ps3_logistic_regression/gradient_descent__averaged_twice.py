"""Divides the gradient by n once more.

answers: gradient_descent
fails: test_gradient_descent
hint: averaged-twice
"""
def gradient_descent(theta, X, y, C, rate, steps):
    trace = [cost(theta, X, y, C)]
    for _ in range(steps):
        theta = theta - rate * gradient(theta, X, y, C) / len(y)
        trace.append(cost(theta, X, y, C))
    return theta, np.array(trace)
