"""Takes the plain mean over the bins.

answers: expected_calibration_error
fails: test_expected_calibration_error
hint: bins-not-weighted
"""
def expected_calibration_error(y, p, bins):
    predicted, observed, count = reliability_curve(y, p, bins)
    return np.mean(np.abs(observed - predicted))
