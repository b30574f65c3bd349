"""Multiplies the logits by labels of 0 and 1 as if they were -1 and 1.

answers: separation
fails: test_separation
hint: labels-as-signs
"""
def separation(theta, X, y):
    z = X @ theta[:-1] + theta[-1]
    margins = (y) * z
    if np.all(margins > 0):
        return "complete"
    if np.all(margins >= 0) and np.any(margins > 0):
        return "quasi-complete"
    return "none"
