"""Counts bins from 1.

answers: bin_index
fails: test_bin_index
hint: bins-counted-from-one
"""
def bin_index(p, bins):
    return np.maximum(np.ceil(p * bins).astype(int), 1)
