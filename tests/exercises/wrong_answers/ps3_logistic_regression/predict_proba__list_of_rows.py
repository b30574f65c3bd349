"""Collects the probabilities in a list.

answers: predict_proba
fails: test_predict_proba
hint: list-not-array
"""
def predict_proba(theta, X):
    return [sigmoid(row @ theta[:-1] + theta[-1]) for row in X]
