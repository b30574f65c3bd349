"""Uses the form for the middle at the ends too.

answers: logit
fails: test_logit
hint: two-p-rounds-away
"""
def logit(p):
    with np.errstate(divide="ignore"):
        return 2 * np.arctanh(2 * np.asarray(p) - 1)
