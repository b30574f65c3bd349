"""Writes the formula down as it stands; near one half the quotient is near 1.

answers: logit
fails: test_logit
hint: digits-lost-near-half
"""
def logit(p):
    with np.errstate(divide="ignore"):
        return np.log(p / np.subtract(1.0, p))
