"""Takes the threshold of calibrated probabilities and does not look at the data.

answers: best_threshold
fails: test_best_threshold
hint: threshold-not-from-the-data
"""
def best_threshold(y, p, cost_false_alarm, cost_miss):
    def cost(t):
        acts = p > t
        return (cost_false_alarm * np.sum(acts & (y == 0)) + cost_miss * np.sum(~acts & (y == 1))) / len(y)

    candidates = [cost_false_alarm / (cost_false_alarm + cost_miss)]
    best = candidates[0]
    return best, cost(best)
