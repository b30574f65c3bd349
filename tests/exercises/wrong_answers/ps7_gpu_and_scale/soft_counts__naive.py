"""Overflows on the left.

answers: soft_counts
fails: test_soft_counts
hint: overflow
"""
def soft_counts(x, thresholds, temperature):
    xp = array_api_compat.array_namespace(x)
    t = xp.asarray(thresholds, dtype=x.dtype, device=x.device)
    return xp.sum(1 / (1 + xp.exp((t[:, None] - x[None, :]) / temperature)), axis=1)
