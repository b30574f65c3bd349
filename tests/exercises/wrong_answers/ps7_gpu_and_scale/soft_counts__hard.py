"""Counts yes or no.

answers: soft_counts
fails: test_soft_counts
hint: counted-hard
"""
def soft_counts(x, thresholds, temperature):
    xp = array_api_compat.array_namespace(x)
    t = xp.asarray(thresholds, dtype=x.dtype, device=x.device)
    return xp.sum(xp.astype(x[None, :] > t[:, None], x.dtype), axis=1)
