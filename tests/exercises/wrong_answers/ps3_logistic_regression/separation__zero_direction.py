"""Calls it quasi-complete when no row moves at all.

answers: separation
fails: test_separation
hint: zero-direction
"""
def separation(theta, X, y):
    z = X @ theta[:-1] + theta[-1]
    margins = (2 * y - 1) * z
    if np.all(margins > 0):
        return "complete"
    if np.all(margins >= 0):
        return "quasi-complete"
    return "none"
