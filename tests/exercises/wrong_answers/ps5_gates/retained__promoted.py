"""Makes the result in float64.

answers: retained
fails: test_retained
hint: dtype-promoted
"""
def retained(forget):
    kept = np.ones(forget.shape)
    for t in range(len(forget) - 2, -1, -1):
        kept[t] = kept[t + 1] * forget[t + 1]
    return kept
