"""Rounds down, so that a bin holds its lower end, and clips the last.

answers: bin_index
fails: test_bin_index, test_reliability_curve
hint: lower-end-included
"""
def bin_index(p, bins):
    return np.minimum((p * bins).astype(int), bins - 1)
