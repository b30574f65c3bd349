"""Divides by the count of every bin, so that empty ones give nan and a warning.

answers: reliability_curve
fails: test_reliability_curve, test_expected_calibration_error
hint: empty-bin-nan
"""
def reliability_curve(y, p, bins):
    index = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p)
    count = np.bincount(index, minlength=bins)
    predicted = np.bincount(index, weights=p, minlength=bins) / count
    observed = np.bincount(index, weights=y, minlength=bins) / count
    return predicted, observed, count
