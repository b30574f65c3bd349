"""Measures the distance from the middle of the bin.

answers: expected_calibration_error
fails: test_expected_calibration_error
hint: bin-centre
"""
def expected_calibration_error(y, p, bins):
    index = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p)
    gaps = [abs(np.mean(y[index == k]) - (k + 0.5) / bins) * np.mean(index == k) for k in np.unique(index)]
    return sum(gaps)
