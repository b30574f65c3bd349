"""Compares the largest norm with the smallest.

answers: diagnose
fails: test_diagnose
hint: extremes-not-ends
"""
def diagnose(norms, statistics):
    if not np.all(np.isfinite(norms)) or norms[0] > 1000 * norms[-1]:
        return "exploding"
    if any(saturated > 0.5 for _, _, saturated in statistics):
        return "saturated"
    if np.min(norms) < np.max(norms) / 1000:
        return "vanishing"
    return "healthy"
