"""Takes the mean of signed gaps.

answers: expected_calibration_error
fails: test_expected_calibration_error
hint: gaps-cancel
"""
def expected_calibration_error(y, p, bins):
    predicted, observed, count = reliability_curve(y, p, bins)
    return count @ (observed - predicted) / count.sum()
