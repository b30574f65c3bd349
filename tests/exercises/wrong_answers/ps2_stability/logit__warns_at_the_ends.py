"""Is right everywhere and lets NumPy complain at 0 and at 1.

answers: logit
fails: test_logit
hint: infinite-on-purpose
"""
def logit(p):
    p = np.asarray(p, dtype=float)
    return np.where(np.abs(p - 0.5) < 0.25, 2 * np.arctanh(2 * p - 1), np.log(p / (1 - p)))
