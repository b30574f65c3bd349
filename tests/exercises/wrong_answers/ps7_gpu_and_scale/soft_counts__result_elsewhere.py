"""Collects numbers and makes an array of them.

answers: soft_counts
fails: test_soft_counts
hint: left-its-device
"""
def soft_counts(x, thresholds, temperature):
    xp = array_api_compat.array_namespace(x)
    counts = []
    for t in thresholds:
        z = (x - t) / temperature
        e = xp.exp(-xp.abs(z))
        counts.append(float(xp.sum(xp.where(z >= 0, 1.0, e) / (1 + e))))
    return xp.asarray(counts, dtype=x.dtype)
