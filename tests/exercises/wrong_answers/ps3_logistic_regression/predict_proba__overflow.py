"""Uses the textbook sigmoid, which overflows at large negative logits.

answers: predict_proba
fails: test_predict_proba
hint: overflow
"""
def predict_proba(theta, X):
    return 1 / (1 + np.exp(-(X @ theta[:-1] + theta[-1])))
