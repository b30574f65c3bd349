"""Cuts at one half, whatever the costs.

answers: best_threshold
fails: test_best_threshold
hint: half-always
"""
def best_threshold(y, p, cost_false_alarm, cost_miss):
    def cost(t):
        acts = p > t
        return (cost_false_alarm * np.sum(acts & (y == 0)) + cost_miss * np.sum(~acts & (y == 1))) / len(y)

    candidates = [0.5]
    best = candidates[0]
    return best, cost(best)
