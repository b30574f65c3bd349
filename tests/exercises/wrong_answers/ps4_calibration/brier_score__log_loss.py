"""Computes the cross-entropy.

answers: brier_score
fails: test_brier_score
hint: cross-entropy-not-brier
"""
def brier_score(y, p):
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
