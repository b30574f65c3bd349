"""Takes the absolute value of the sum, when the gaps have cancelled already.

answers: expected_calibration_error
fails: test_expected_calibration_error
hint: gaps-cancel
"""
def expected_calibration_error(y, p, bins):
    predicted, observed, count = reliability_curve(y, p, bins)
    return np.abs(count @ (predicted - observed)) / count.sum()
