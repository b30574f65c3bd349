"""Divides the whole product by the part before, which may be 0.

answers: retained
fails: test_retained
hint: quotient-of-products
"""
def retained(forget):
    products = np.cumprod(forget, axis=0)
    return products[-1] / products
