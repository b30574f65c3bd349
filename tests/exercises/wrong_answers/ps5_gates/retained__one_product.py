"""Returns one product for the whole sequence.

answers: retained
fails: test_retained
hint: one-product-only
"""
def retained(forget):
    return np.prod(forget, axis=0)
