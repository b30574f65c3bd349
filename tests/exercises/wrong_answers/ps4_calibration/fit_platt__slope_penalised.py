"""Adds the penalty that scikit-learn's logistic regression has.

answers: fit_platt
fails: test_fit_platt
hint: slope-penalised
"""
def fit_platt(scores, y):
    t = platt_targets(y)
    slope, intercept = 0.0, 0.0
    for _ in range(30):
        p = sigmoid(slope * scores + intercept)
        r, w = p - t, p * (1 - p)
        gradient = np.array([r @ scores + slope, r.sum()])
        hessian = np.array([[w @ scores**2 + 1, w @ scores], [w @ scores, w.sum()]])
        slope, intercept = np.array([slope, intercept]) - np.linalg.solve(hessian, gradient)
    return slope, intercept
