"""Scores the decision at 1/2.

answers: brier_score
fails: test_brier_score
hint: decision-not-forecast
"""
def brier_score(y, p):
    return np.mean(((p > 0.5) - y) ** 2)
