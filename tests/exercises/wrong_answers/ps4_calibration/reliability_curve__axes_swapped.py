"""Returns what happened first.

answers: reliability_curve
fails: test_reliability_curve
hint: curve-swapped
"""
def reliability_curve(y, p, bins):
    index = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p)
    full, count = np.unique(index, return_counts=True)
    predicted = np.array([np.mean(p[index == k]) for k in full])
    observed = np.array([np.mean(y[index == k]) for k in full])
    return observed, predicted, count
