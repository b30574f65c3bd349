"""Steps while the count is at most steps.

answers: gradient_descent
fails: test_gradient_descent
hint: one-step-too-many
"""
def gradient_descent(theta, X, y, C, rate, steps):
    trace = [cost(theta, X, y, C)]
    for _ in range(steps + 1):
        theta = theta - rate * gradient(theta, X, y, C)
        trace.append(cost(theta, X, y, C))
    return theta, np.array(trace)
