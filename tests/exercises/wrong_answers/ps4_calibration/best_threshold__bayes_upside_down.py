"""Puts the cost of a miss on top of the fraction.

answers: best_threshold
fails: test_best_threshold
hint: cost-ratio-upside-down
"""
def best_threshold(y, p, cost_false_alarm, cost_miss):
    def cost(t):
        acts = p > t
        return (cost_false_alarm * np.sum(acts & (y == 0)) + cost_miss * np.sum(~acts & (y == 1))) / len(y)

    candidates = [cost_miss / (cost_false_alarm + cost_miss)]
    best = candidates[0]
    return best, cost(best)
