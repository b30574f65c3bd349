"""Rounds down: a prediction of 1 gets a bin that is not there.

answers: bin_index
fails: test_bin_index, test_reliability_curve
hint: one-falls-out
"""
def bin_index(p, bins):
    return (p * bins).astype(int)
