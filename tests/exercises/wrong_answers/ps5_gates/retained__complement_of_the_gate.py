"""Reads a gate of 1 as: forget.

answers: retained
fails: test_retained
hint: forget-reversed
"""
def retained(forget):
    kept = np.ones_like(forget)
    for t in range(len(forget) - 2, -1, -1):
        kept[t] = kept[t + 1] * (1 - forget[t + 1])
    return kept
