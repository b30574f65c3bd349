"""Takes np.mean of every bin, so that empty ones give nan and a warning.

answers: reliability_curve
fails: test_reliability_curve, test_expected_calibration_error
hint: empty-bin-nan
"""
def reliability_curve(y, p, bins):
    index = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p)
    predicted = np.array([np.mean(p[index == k]) for k in range(bins)])
    observed = np.array([np.mean(y[index == k]) for k in range(bins)])
    return predicted, observed, np.array([np.sum(index == k) for k in range(bins)])
