"""Clips the chance, so that the ends are finite.

answers: logit
fails: test_logit
hint: ends-clipped
"""
def logit(p):
    p = np.clip(p, 1e-15, 1 - 1e-15)
    return np.where(np.abs(p - 0.5) < 0.25, 2 * np.arctanh(2 * p - 1), np.log(p / (1 - p)))
