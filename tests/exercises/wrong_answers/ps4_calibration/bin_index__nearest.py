"""Rounds to the nearest of evenly spaced points, so that the outer bins are half as wide.

answers: bin_index
fails: test_bin_index, test_reliability_curve, test_expected_calibration_error
hint: rounded-to-nearest
"""
def bin_index(p, bins):
    return np.rint(p * (bins - 1)).astype(int)
