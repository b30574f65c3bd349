"""Has no threshold below the lowest prediction.

answers: best_threshold
fails: test_best_threshold
hint: acting-always-left-out
"""
def best_threshold(y, p, cost_false_alarm, cost_miss):
    def cost(t):
        acts = p > t
        return (cost_false_alarm * np.sum(acts & (y == 0)) + cost_miss * np.sum(~acts & (y == 1))) / len(y)

    candidates = list(np.unique(p))
    best = min(candidates, key=cost)
    return best, cost(best)
