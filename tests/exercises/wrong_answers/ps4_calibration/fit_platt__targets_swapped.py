"""Gives the 1s the target of the 0s.

answers: fit_platt
fails: test_fit_platt
hint: targets-swapped
"""
def fit_platt(scores, y):
    t = np.where(y == 1, 1 / (np.sum(y == 0) + 2), (np.sum(y == 1) + 1) / (np.sum(y == 1) + 2))
    slope, intercept = 0.0, 0.0
    for _ in range(30):
        p = sigmoid(slope * scores + intercept)
        r, w = p - t, p * (1 - p)
        gradient = np.array([r @ scores, r.sum()])
        hessian = np.array([[w @ scores**2, w @ scores], [w @ scores, w.sum()]])
        slope, intercept = np.array([slope, intercept]) - np.linalg.solve(hessian, gradient)
    return slope, intercept
