"""Looks for the most right decisions, and returns the share of wrong ones.

answers: best_threshold
fails: test_best_threshold
hint: error-rate-not-cost
"""
def best_threshold(y, p, cost_false_alarm, cost_miss):
    candidates = [0.0, *np.unique(p)]
    best = max(candidates, key=lambda t: np.mean((p > t) == (y == 1)))
    return best, np.mean((p > best) != (y == 1))
