"""Squares the gaps.

answers: expected_calibration_error
fails: test_expected_calibration_error
hint: squared-not-absolute
"""
def expected_calibration_error(y, p, bins):
    predicted, observed, count = reliability_curve(y, p, bins)
    return count @ (observed - predicted) ** 2 / count.sum()
