"""Fits to the labels 0 and 1: plain logistic regression.

answers: fit_platt
fails: test_fit_platt
hint: labels-as-targets
"""
def fit_platt(scores, y):
    t = y
    slope, intercept = 0.0, 0.0
    for _ in range(30):
        p = sigmoid(slope * scores + intercept)
        r, w = p - t, p * (1 - p)
        gradient = np.array([r @ scores, r.sum()])
        hessian = np.array([[w @ scores**2, w @ scores], [w @ scores, w.sum()]])
        slope, intercept = np.array([slope, intercept]) - np.linalg.solve(hessian, gradient)
    return slope, intercept
