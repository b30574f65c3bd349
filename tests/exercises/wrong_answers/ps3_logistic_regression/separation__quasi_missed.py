"""Knows complete separation only.

answers: separation
fails: test_separation
hint: quasi-missed
"""
def separation(theta, X, y):
    margins = (2 * y - 1) * (X @ theta[:-1] + theta[-1])
    return "complete" if np.all(margins > 0) else "none"
