"""Reads the norms from the last layer to the first.

answers: diagnose
fails: test_diagnose
hint: ends-swapped
"""
def diagnose(norms, statistics):
    first, last = norms[-1], norms[0]
    if not np.all(np.isfinite(norms)) or first > 1000 * last:
        return "exploding"
    if any(saturated > 0.5 for _, _, saturated in statistics):
        return "saturated"
    if first < last / 1000:
        return "vanishing"
    return "healthy"
