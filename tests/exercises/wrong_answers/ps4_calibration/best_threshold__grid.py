"""Tries steps of a tenth.

answers: best_threshold
fails: test_best_threshold
hint: grid-not-predictions
"""
def best_threshold(y, p, cost_false_alarm, cost_miss):
    def cost(t):
        acts = p > t
        return (cost_false_alarm * np.sum(acts & (y == 0)) + cost_miss * np.sum(~acts & (y == 1))) / len(y)

    candidates = np.arange(11) / 10
    best = min(candidates, key=cost)
    return best, cost(best)
