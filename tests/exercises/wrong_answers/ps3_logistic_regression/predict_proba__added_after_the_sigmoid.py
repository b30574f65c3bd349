"""Adds the intercept to the probability.

answers: predict_proba
fails: test_predict_proba
hint: added-after-the-sigmoid
"""
def predict_proba(theta, X):
    return sigmoid(X @ theta[:-1]) + theta[-1]
