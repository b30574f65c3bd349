"""Adds both classes, as Brier's paper does and this task does not.

answers: brier_score
fails: test_brier_score
hint: both-classes
"""
def brier_score(y, p):
    return np.mean((p - y) ** 2 + ((1 - p) - (1 - y)) ** 2)
