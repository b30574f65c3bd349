"""Subtracts a row of labels from a column of probabilities.

answers: gradient
fails: test_gradient test_gradient_descent test_newton
hint: column-against-row
"""
def gradient(theta, X, y, C):
    w = theta[:-1].reshape(-1, 1)
    r = sigmoid(X @ w + theta[-1]) - y
    return np.append(X.T @ r / len(y) + w / (C * len(y)), np.mean(r))
