"""Looks at the units before it asks whether the gradient is finite.

answers: diagnose
fails: test_diagnose
hint: explosion-asked-last
"""
def diagnose(norms, statistics):
    first, last = norms[0], norms[-1]
    if any(saturated > 0.5 for _, _, saturated in statistics):
        return "saturated"
    if not np.all(np.isfinite(norms)) or first > 1000 * last:
        return "exploding"
    if first < last / 1000:
        return "vanishing"
    return "healthy"
