"""Returns the squared distance of each forecast.

answers: brier_score
fails: test_brier_score
hint: mean-left-out
"""
def brier_score(y, p):
    return (p - y) ** 2
