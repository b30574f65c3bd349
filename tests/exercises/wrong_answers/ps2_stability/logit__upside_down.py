"""Divides 1 - p by p.

answers: logit
fails: test_logit
hint: logit-upside-down
"""
def logit(p):
    p = np.asarray(p, dtype=float)
    with np.errstate(divide="ignore"):
        return np.where(np.abs(p - 0.5) < 0.25, 2 * np.arctanh(1 - 2 * p), np.log((1 - p) / p))
