"""Rounds up: a prediction of 0 gets the number -1.

answers: bin_index
fails: test_bin_index, test_reliability_curve, test_expected_calibration_error
hint: zero-falls-out
"""
def bin_index(p, bins):
    return np.ceil(p * bins).astype(int) - 1
