"""Trusts comparisons with nan.

answers: diagnose
fails: test_diagnose
hint: nan-compares-false
"""
def diagnose(norms, statistics):
    first, last = norms[0], norms[-1]
    if first > 1000 * last:
        return "exploding"
    if any(saturated > 0.5 for _, _, saturated in statistics):
        return "saturated"
    if first < last / 1000:
        return "vanishing"
    return "healthy"
