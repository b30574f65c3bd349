"""Averages the gates instead of multiplying them.

answers: retained
fails: test_retained
hint: averaged-not-multiplied
"""
def retained(forget):
    kept = np.ones_like(forget)
    for t in range(len(forget) - 1):
        kept[t] = forget[t + 1 :].mean(axis=0)
    return kept
