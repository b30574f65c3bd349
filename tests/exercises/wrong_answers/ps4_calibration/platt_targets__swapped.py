"""Gives the 1s the target of the 0s, and the other way round.

answers: platt_targets
fails: test_platt_targets, test_fit_platt
hint: targets-swapped
"""
def platt_targets(y):
    positives, negatives = np.sum(y == 1), np.sum(y == 0)
    return np.where(y == 1, 1 / (negatives + 2), (positives + 1) / (positives + 2))
