"""Takes a boundary that classifies every row rightly for complete separation.

answers: separation
fails: test_separation
hint: zero-margin
"""
def separation(theta, X, y):
    z = X @ theta[:-1] + theta[-1]
    if np.all((z > 0) == y):
        return "complete"
    margins = (2 * y - 1) * z
    return "quasi-complete" if np.all(margins >= 0) and np.any(margins > 0) else "none"
