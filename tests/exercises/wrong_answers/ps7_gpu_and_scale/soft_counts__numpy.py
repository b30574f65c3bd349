"""Calls NumPy's functions.

answers: soft_counts
fails: test_soft_counts
hint: numpy-only
"""
def soft_counts(x, thresholds, temperature):
    z = (x[None, :] - np.asarray(thresholds, dtype=x.dtype)[:, None]) / temperature
    e = np.exp(-np.abs(z))
    return np.sum(np.where(z >= 0, 1, e) / (1 + e), axis=1, dtype=x.dtype)
