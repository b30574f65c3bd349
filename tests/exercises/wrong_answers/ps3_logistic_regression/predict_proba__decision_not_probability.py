"""Returns the likelier class instead of its probability.

answers: predict_proba
fails: test_predict_proba
hint: decision-not-probability
"""
def predict_proba(theta, X):
    return (X @ theta[:-1] + theta[-1] > 0).astype(float)
