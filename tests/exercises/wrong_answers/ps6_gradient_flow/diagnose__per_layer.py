"""Holds neighbours against the threshold, not the ends.

answers: diagnose
fails: test_diagnose
hint: threshold-for-one-step
"""
def diagnose(norms, statistics):
    ratios = norms[:-1] / norms[1:]
    if not np.all(np.isfinite(norms)) or np.any(ratios > 1000):
        return "exploding"
    if any(saturated > 0.5 for _, _, saturated in statistics):
        return "saturated"
    if np.any(ratios < 1 / 1000):
        return "vanishing"
    return "healthy"
