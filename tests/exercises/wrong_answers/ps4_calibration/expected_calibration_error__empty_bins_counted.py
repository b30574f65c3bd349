"""Divides the sum of the gaps by the number of all bins.

answers: expected_calibration_error
fails: test_expected_calibration_error
hint: empty-bins-counted
"""
def expected_calibration_error(y, p, bins):
    predicted, observed, count = reliability_curve(y, p, bins)
    return np.sum(np.abs(observed - predicted)) / bins
