"""Takes the root of the mean squared gap.

answers: expected_calibration_error
fails: test_expected_calibration_error
hint: root-mean-square
"""
def expected_calibration_error(y, p, bins):
    predicted, observed, count = reliability_curve(y, p, bins)
    return np.sqrt(count @ (observed - predicted) ** 2 / count.sum())
