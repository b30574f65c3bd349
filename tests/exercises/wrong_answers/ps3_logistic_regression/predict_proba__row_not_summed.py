"""Multiplies entry by entry and never adds up.

answers: predict_proba
fails: test_predict_proba
hint: row-not-summed
"""
def predict_proba(theta, X):
    return sigmoid(X * theta[:-1] + theta[-1])
