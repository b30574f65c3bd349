"""Trusts np.digitize with all edges, which holds lower ends and has a bin above 1.

answers: bin_index
fails: test_bin_index, test_reliability_curve
hint: one-falls-out
"""
def bin_index(p, bins):
    return np.digitize(p, np.linspace(0, 1, bins + 1)) - 1
