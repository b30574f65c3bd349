"""Minimises the squared error.

answers: fit_platt
fails: test_fit_platt
hint: squared-not-cross-entropy
"""
def fit_platt(scores, y):
    t = platt_targets(y)
    x = np.column_stack([scores, np.ones(len(scores))])
    theta = np.zeros(2)
    for _ in range(200):
        p = sigmoid(x @ theta)
        jacobian = x * (p * (1 - p))[:, np.newaxis]
        theta = theta - np.linalg.lstsq(jacobian, p - t, rcond=None)[0]
    return tuple(theta)
