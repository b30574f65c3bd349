"""Asks for a vanished gradient before it looks at the units.

answers: diagnose
fails: test_diagnose
hint: symptom-before-cause
"""
def diagnose(norms, statistics):
    first, last = norms[0], norms[-1]
    if not np.all(np.isfinite(norms)) or first > 1000 * last:
        return "exploding"
    if first < last / 1000:
        return "vanishing"
    if any(saturated > 0.5 for _, _, saturated in statistics):
        return "saturated"
    return "healthy"
