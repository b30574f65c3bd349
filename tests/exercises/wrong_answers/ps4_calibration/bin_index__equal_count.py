"""Puts equally many predictions into each bin.

answers: bin_index
fails: test_bin_index, test_reliability_curve, test_expected_calibration_error
hint: equal-count-not-width
"""
def bin_index(p, bins):
    rank = np.argsort(np.argsort(p, kind="stable"), kind="stable")
    return rank * bins // len(p)
