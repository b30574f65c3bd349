"""Is content when most rows gain.

answers: separation
fails: test_separation
hint: any-for-all
"""
def separation(theta, X, y):
    z = X @ theta[:-1] + theta[-1]
    margins = (2 * y - 1) * z
    if np.all(margins > 0):
        return "complete"
    if np.mean(margins >= 0) > 0.5 and np.any(margins > 0):
        return "quasi-complete"
    return "none"
