"""Leaves the intercept out: where every feature is 0 it says one half.

answers: predict_proba
fails: test_predict_proba
hint: intercept-left-out
"""
def predict_proba(theta, X):
    return sigmoid(X @ theta[:-1])
