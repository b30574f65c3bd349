"""Adds logarithms up without a thought of closed gates.

answers: retained
fails: test_retained
hint: logarithm-of-a-closed-gate
"""
def retained(forget):
    logs = np.log(forget)
    return np.exp(np.cumsum(logs[::-1], axis=0)[::-1] - logs)
