"""Counts the 1s of a bin and does not divide.

answers: reliability_curve
fails: test_reliability_curve, test_expected_calibration_error
hint: positives-not-share
"""
def reliability_curve(y, p, bins):
    index = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p)
    full, count = np.unique(index, return_counts=True)
    predicted = np.array([np.mean(p[index == k]) for k in full])
    observed = np.array([np.sum(y[index == k]) for k in full])
    return predicted, observed, count
