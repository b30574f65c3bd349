"""Squares the mean distance, in which errors cancel.

answers: brier_score
fails: test_brier_score
hint: errors-cancel
"""
def brier_score(y, p):
    return np.mean(p - y) ** 2
