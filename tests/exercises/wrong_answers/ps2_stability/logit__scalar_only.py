"""Chooses the form with if, which takes one truth value.

answers: logit
fails: test_logit
hint: scalar-only
"""
def logit(p):
    if p == 0:
        return -np.inf
    if p == 1:
        return np.inf
    return 2 * np.arctanh(2 * p - 1) if 0.25 < p < 0.75 else np.log(p / (1 - p))
