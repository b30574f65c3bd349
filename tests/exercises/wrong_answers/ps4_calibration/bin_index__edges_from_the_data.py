"""Spreads the bins from the smallest prediction to the largest.

answers: bin_index
fails: test_bin_index, test_reliability_curve
hint: edges-from-the-data
"""
def bin_index(p, bins):
    edges = np.linspace(p.min(), p.max(), bins + 1)
    return np.searchsorted(edges[1:-1], p)
