"""Cuts at the quantiles of the predictions.

answers: bin_index
fails: test_bin_index, test_reliability_curve, test_expected_calibration_error
hint: equal-count-not-width
"""
def bin_index(p, bins):
    edges = np.quantile(p, np.linspace(0, 1, bins + 1))
    return np.searchsorted(edges[1:-1], p)
