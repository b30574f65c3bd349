"""Lets cumprod run over the flattened array.

answers: retained
fails: test_retained
hint: multiplied-across-the-batch
"""
def retained(forget):
    later = np.concatenate([forget[1:], np.ones_like(forget[:1])])
    return np.cumprod(later[::-1]).reshape(forget.shape)[::-1]
