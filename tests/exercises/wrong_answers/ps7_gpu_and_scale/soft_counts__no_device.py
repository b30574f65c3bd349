"""Makes the thresholds wherever the library makes arrays.

answers: soft_counts
fails: test_soft_counts
hint: left-its-device
"""
def soft_counts(x, thresholds, temperature):
    xp = array_api_compat.array_namespace(x)
    t = xp.asarray(thresholds, dtype=x.dtype)
    z = (x[None, :] - t[:, None]) / temperature
    e = xp.exp(-xp.abs(z))
    return xp.sum(xp.where(z >= 0, 1.0, e) / (1 + e), axis=1)
