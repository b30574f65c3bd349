"""Reads the mean activation for the saturated share.

answers: diagnose
fails: test_diagnose
hint: mean-not-saturated
"""
def diagnose(norms, statistics):
    first, last = norms[0], norms[-1]
    if not np.all(np.isfinite(norms)) or first > 1000 * last:
        return "exploding"
    if any(mean > 0.5 for mean, _, _ in statistics):
        return "saturated"
    if first < last / 1000:
        return "vanishing"
    return "healthy"
