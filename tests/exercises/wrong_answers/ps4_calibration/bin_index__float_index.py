"""Leaves the numbers of the bins as floats.

answers: bin_index
fails: test_bin_index, test_reliability_curve, test_expected_calibration_error
hint: float-index
"""
def bin_index(p, bins):
    return np.maximum(np.ceil(p * bins) - 1, 0)
