"""Returns the share that is lost.

answers: retained
fails: test_retained
hint: forgotten-not-retained
"""
def retained(forget):
    kept = np.ones_like(forget)
    for t in range(len(forget) - 2, -1, -1):
        kept[t] = kept[t + 1] * forget[t + 1]
    return 1 - kept
