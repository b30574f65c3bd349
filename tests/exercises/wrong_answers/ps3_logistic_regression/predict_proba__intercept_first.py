"""Takes the first entry of theta for the intercept.

answers: predict_proba
fails: test_predict_proba
hint: intercept-first
"""
def predict_proba(theta, X):
    return sigmoid(theta[0] + X @ theta[1:])
