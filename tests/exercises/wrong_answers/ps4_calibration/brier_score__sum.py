"""Adds up and does not divide.

answers: brier_score
fails: test_brier_score
hint: sum-not-mean
"""
def brier_score(y, p):
    return np.sum((p - y) ** 2)
