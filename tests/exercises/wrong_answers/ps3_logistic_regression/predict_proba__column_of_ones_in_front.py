"""Puts the column of ones in front, so that the first entry of theta meets it.

answers: predict_proba
fails: test_predict_proba
hint: intercept-first
"""
def predict_proba(theta, X):
    return sigmoid(np.column_stack([np.ones(len(X)), X]) @ theta)
