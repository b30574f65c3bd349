"""Stops at the logits.

answers: predict_proba
fails: test_predict_proba
hint: logits-not-probabilities
"""
def predict_proba(theta, X):
    return X @ theta[:-1] + theta[-1]
