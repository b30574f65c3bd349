"""Subtracts two logarithms, which are nearly equal around one half.

answers: logit
fails: test_logit
hint: digits-lost-near-half
"""
def logit(p):
    with np.errstate(divide="ignore"):
        return np.log(p) - np.log1p(-np.asarray(p))
