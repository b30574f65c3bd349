"""Takes a thousand small steps of gradient descent, which arrive only where the scores are small.

answers: fit_platt
fails: test_fit_platt
hint: not-at-the-minimum
"""
def fit_platt(scores, y):
    t, slope, intercept = platt_targets(y), 0.0, 0.0
    for _ in range(1000):
        r = sigmoid(slope * scores + intercept) - t
        slope, intercept = slope - 0.1 * np.mean(r * scores), intercept - 0.1 * np.mean(r)
    return slope, intercept
