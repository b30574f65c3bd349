"""Forgets the minus in the exponent.

answers: predict_proba
fails: test_predict_proba
hint: sign-of-exponent
"""
def predict_proba(theta, X):
    return 1 / (1 + np.exp(X @ theta[:-1] + theta[-1]))
