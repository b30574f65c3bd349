"""Compares with lower <= p < upper, so that a prediction of 1 is in no bin.

answers: reliability_curve
fails: test_reliability_curve, test_expected_calibration_error
hint: one-falls-out
"""
def reliability_curve(y, p, bins):
    points = []
    for k in range(bins):
        here = (p >= k / bins) & (p < (k + 1) / bins)
        if here.any():
            points.append((np.mean(p[here]), np.mean(y[here]), here.sum()))
    predicted, observed, count = zip(*points)
    return np.array(predicted), np.array(observed), np.array(count)
