"""Lets scikit-learn compute the loss.

answers: cost
fails: test_cost test_gradient_descent
hint: ready-made
"""
def cost(theta, X, y, C):
    from sklearn.metrics import log_loss

    return log_loss(y, sigmoid(X @ theta[:-1] + theta[-1])) + theta[:-1] @ theta[:-1] / (2 * C * len(y))
