"""Looks for the most right decisions, and says what they cost.

answers: best_threshold
fails: test_best_threshold
hint: accuracy-not-cost
"""
def best_threshold(y, p, cost_false_alarm, cost_miss):
    candidates = [0.0, *np.unique(p)]
    best = max(candidates, key=lambda t: np.mean((p > t) == (y == 1)))
    acts = p > best
    return best, (cost_false_alarm * np.sum(acts & (y == 0)) + cost_miss * np.sum(~acts & (y == 1))) / len(y)
