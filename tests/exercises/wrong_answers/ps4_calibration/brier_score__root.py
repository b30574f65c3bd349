"""Takes the root of the score.

answers: brier_score
fails: test_brier_score
hint: root-mean-square
"""
def brier_score(y, p):
    return np.sqrt(np.mean((p - y) ** 2))
