"""Leaves the intercept out.

answers: separation
fails: test_separation
hint: intercept-left-out
"""
def separation(theta, X, y):
    z = X @ theta[:-1]
    margins = (2 * y - 1) * z
    if np.all(margins > 0):
        return "complete"
    if np.all(margins >= 0) and np.any(margins > 0):
        return "quasi-complete"
    return "none"
