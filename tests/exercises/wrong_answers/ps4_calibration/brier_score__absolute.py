"""Takes the distance and does not square it.

answers: brier_score
fails: test_brier_score
hint: absolute-not-squared
"""
def brier_score(y, p):
    return np.mean(np.abs(p - y))
