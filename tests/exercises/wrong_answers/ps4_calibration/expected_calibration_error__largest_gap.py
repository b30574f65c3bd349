"""Returns the gap of the worst bin.

answers: expected_calibration_error
fails: test_expected_calibration_error
hint: largest-gap
"""
def expected_calibration_error(y, p, bins):
    predicted, observed, count = reliability_curve(y, p, bins)
    return np.max(np.abs(observed - predicted))
