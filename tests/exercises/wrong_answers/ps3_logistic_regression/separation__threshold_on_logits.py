"""Has the boundary at a logit of one half.

answers: separation
fails: test_separation
hint: threshold-on-logits
"""
def separation(theta, X, y):
    z = X @ theta[:-1] + theta[-1] - 0.5
    margins = (2 * y - 1) * z
    if np.all(margins > 0):
        return "complete"
    if np.all(margins >= 0) and np.any(margins > 0):
        return "quasi-complete"
    return "none"
