"""Takes p for the probability of a 0.

answers: brier_score
fails: test_brier_score
hint: forecast-of-a-zero
"""
def brier_score(y, p):
    return np.mean((1 - p - y) ** 2)
