"""Multiplies from the front.

answers: retained
fails: test_retained
hint: product-from-the-front
"""
def retained(forget):
    return np.cumprod(forget, axis=0)
