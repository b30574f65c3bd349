"""Takes each target from the count of the other label.

answers: platt_targets
fails: test_platt_targets, test_fit_platt
hint: counts-exchanged
"""
def platt_targets(y):
    positives, negatives = np.sum(y == 1), np.sum(y == 0)
    return np.where(y == 1, (negatives + 1) / (negatives + 2), 1 / (positives + 2))
