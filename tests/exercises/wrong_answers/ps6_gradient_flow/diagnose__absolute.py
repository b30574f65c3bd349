"""Compares the first norm with fixed numbers.

answers: diagnose
fails: test_diagnose
hint: absolute-not-relative
"""
def diagnose(norms, statistics):
    first = norms[0]
    if not np.all(np.isfinite(norms)) or first > 1000:
        return "exploding"
    if any(saturated > 0.5 for _, _, saturated in statistics):
        return "saturated"
    if first < 0.001:
        return "vanishing"
    return "healthy"
