"""Takes the opposite direction where that one separates.

answers: separation
fails: test_separation
hint: direction-reversed
"""
def separation(theta, X, y):
    z = X @ theta[:-1] + theta[-1]
    margins = ((2 * y - 1) * np.sign(np.sum((2 * y - 1) * (X @ theta[:-1] + theta[-1])))) * z
    if np.all(margins > 0):
        return "complete"
    if np.all(margins >= 0) and np.any(margins > 0):
        return "quasi-complete"
    return "none"
