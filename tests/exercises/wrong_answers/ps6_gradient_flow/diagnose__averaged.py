"""Averages the saturated shares of all layers.

answers: diagnose
fails: test_diagnose
hint: averaged-over-layers
"""
def diagnose(norms, statistics):
    first, last = norms[0], norms[-1]
    if not np.all(np.isfinite(norms)) or first > 1000 * last:
        return "exploding"
    if np.mean([saturated for _, _, saturated in statistics]) > 0.5:
        return "saturated"
    if first < last / 1000:
        return "vanishing"
    return "healthy"
