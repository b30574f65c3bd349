"""Multiplies with the gate of the step in which the content was written.

answers: retained
fails: test_retained
hint: own-gate-included
"""
def retained(forget):
    return np.cumprod(forget[::-1], axis=0)[::-1]
