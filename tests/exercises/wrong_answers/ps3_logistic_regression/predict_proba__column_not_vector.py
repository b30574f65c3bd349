"""Makes the weights a column, so that the probabilities are one too.

answers: predict_proba
fails: test_predict_proba
hint: column-not-vector
"""
def predict_proba(theta, X):
    return sigmoid(X @ theta[:-1].reshape(-1, 1) + theta[-1])
