"""Moves the weights first and takes the intercept's slope at the new ones.

answers: gradient_descent
fails: test_gradient_descent
hint: updated-one-at-a-time
"""
def gradient_descent(theta, X, y, C, rate, steps):
    trace = [cost(theta, X, y, C)]
    for _ in range(steps):
        theta = theta - rate * np.append(gradient(theta, X, y, C)[:-1], 0)
        theta = theta - rate * np.append(np.zeros(X.shape[1]), gradient(theta, X, y, C)[-1])
        trace.append(cost(theta, X, y, C))
    return theta, np.array(trace)
