"""Uses the textbook sigmoid, which overflows at large negative logits.

answers: gradient
fails: test_gradient
hint: overflow
"""
def gradient(theta, X, y, C):
    z = X @ theta[:-1] + theta[-1]
    r = 1 / (1 + np.exp(-z)) - y
    return np.append(X.T @ r / len(y) + theta[:-1] / (C * len(y)), np.mean(r))
