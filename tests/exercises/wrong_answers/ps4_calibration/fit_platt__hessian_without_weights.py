"""Leaves p (1 - p) out of the Hessian, and Newton's method needs a hundred times the steps.

answers: fit_platt
fails: test_fit_platt
hint: not-at-the-minimum
"""
def fit_platt(scores, y):
    t = platt_targets(y)
    slope, intercept = 0.0, 0.0
    for _ in range(30):
        p = sigmoid(slope * scores + intercept)
        r, w = p - t, np.ones(len(scores))
        gradient = np.array([r @ scores, r.sum()])
        hessian = np.array([[w @ scores**2, w @ scores], [w @ scores, w.sum()]])
        slope, intercept = np.array([slope, intercept]) - np.linalg.solve(hessian, gradient)
    return slope, intercept
