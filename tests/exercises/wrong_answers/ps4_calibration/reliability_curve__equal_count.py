"""Puts equally many predictions into each bin.

answers: reliability_curve
fails: test_reliability_curve, test_expected_calibration_error
hint: equal-count-not-width
"""
def reliability_curve(y, p, bins):
    parts = np.array_split(np.argsort(p, kind="stable"), bins)
    parts = [part for part in parts if len(part)]
    predicted = np.array([np.mean(p[part]) for part in parts])
    observed = np.array([np.mean(y[part]) for part in parts])
    return predicted, observed, np.array([len(part) for part in parts])
