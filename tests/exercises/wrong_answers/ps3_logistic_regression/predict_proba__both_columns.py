"""Returns one column for each class, as scikit-learn does.

answers: predict_proba
fails: test_predict_proba
hint: both-columns
"""
def predict_proba(theta, X):
    p = sigmoid(X @ theta[:-1] + theta[-1])
    return np.column_stack([1 - p, p])
