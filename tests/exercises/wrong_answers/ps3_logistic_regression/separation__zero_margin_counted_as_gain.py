"""Counts rows on the boundary as gaining.

answers: separation
fails: test_separation
hint: zero-margin
"""
def separation(theta, X, y):
    z = X @ theta[:-1] + theta[-1]
    margins = (2 * y - 1) * z
    if np.all(margins >= 0) and np.any(margins > 0):
        return "complete"
    if np.all(margins >= 0) and np.any(margins > 0):
        return "quasi-complete"
    return "none"
