"""Compares each prediction with its own label.

answers: expected_calibration_error
fails: test_expected_calibration_error
hint: gap-per-sample
"""
def expected_calibration_error(y, p, bins):
    return np.mean(np.abs(y - p))
