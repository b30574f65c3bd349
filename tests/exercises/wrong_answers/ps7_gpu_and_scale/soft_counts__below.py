"""Subtracts the wrong way round.

answers: soft_counts
fails: test_soft_counts
hint: counts-below
"""
def soft_counts(x, thresholds, temperature):
    xp = array_api_compat.array_namespace(x)
    t = xp.asarray(thresholds, dtype=x.dtype, device=x.device)
    z = (t[:, None] - x[None, :]) / temperature
    e = xp.exp(-xp.abs(z))
    return xp.sum(xp.where(z >= 0, 1.0, e) / (1 + e), axis=1)
