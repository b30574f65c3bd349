"""Multiplies along the batch.

answers: retained
fails: test_retained
hint: multiplied-across-the-batch
"""
def retained(forget):
    kept = np.ones_like(forget)
    for b in range(forget.shape[1] - 2, -1, -1):
        kept[:, b] = kept[:, b + 1] * forget[:, b + 1]
    return kept
