"""Takes the logarithm to base 10.

answers: logit
fails: test_logit
hint: log10
"""
def logit(p):
    p = np.asarray(p, dtype=float)
    with np.errstate(divide="ignore"):
        return np.log10(p / (1 - p))
