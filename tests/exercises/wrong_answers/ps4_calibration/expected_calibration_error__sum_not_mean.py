"""Weights by counts and not by shares.

answers: expected_calibration_error
fails: test_expected_calibration_error
hint: sum-not-mean
"""
def expected_calibration_error(y, p, bins):
    predicted, observed, count = reliability_curve(y, p, bins)
    return count @ np.abs(observed - predicted)
