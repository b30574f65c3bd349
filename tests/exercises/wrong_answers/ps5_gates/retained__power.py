"""Takes one gate for all the steps that follow.

answers: retained
fails: test_retained
hint: one-gate-for-all-steps
"""
def retained(forget):
    left = np.arange(len(forget))[::-1]
    return forget ** left[:, np.newaxis, np.newaxis].astype(forget.dtype)
