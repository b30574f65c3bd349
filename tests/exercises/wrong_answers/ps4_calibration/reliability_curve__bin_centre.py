"""Puts each point at the middle of its bin.

answers: reliability_curve
fails: test_reliability_curve, test_expected_calibration_error
hint: bin-centre
"""
def reliability_curve(y, p, bins):
    index = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p)
    full, count = np.unique(index, return_counts=True)
    observed = np.array([np.mean(y[index == k]) for k in full])
    return (full + 0.5) / bins, observed, count
