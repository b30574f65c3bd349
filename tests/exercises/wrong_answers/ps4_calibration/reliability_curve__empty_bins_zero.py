"""Gives empty bins a frequency of 0.

answers: reliability_curve
fails: test_reliability_curve
hint: empty-bin-zero
"""
def reliability_curve(y, p, bins):
    index = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p)
    count = np.bincount(index, minlength=bins)
    predicted = np.bincount(index, weights=p, minlength=bins) / np.maximum(count, 1)
    observed = np.bincount(index, weights=y, minlength=bins) / np.maximum(count, 1)
    return predicted, observed, count
