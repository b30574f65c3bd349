"""Asks only the first and the last norm whether they are finite.

answers: diagnose
fails: test_diagnose
hint: ends-only-finite
"""
def diagnose(norms, statistics):
    first, last = norms[0], norms[-1]
    if not np.isfinite(first) or not np.isfinite(last) or first > 1000 * last:
        return "exploding"
    if any(saturated > 0.5 for _, _, saturated in statistics):
        return "saturated"
    if first < last / 1000:
        return "vanishing"
    return "healthy"
