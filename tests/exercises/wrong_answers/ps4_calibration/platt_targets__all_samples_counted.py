"""Counts all samples for both targets.

answers: platt_targets
fails: test_platt_targets, test_fit_platt
hint: all-samples-counted
"""
def platt_targets(y):
    return np.where(y == 1, (len(y) + 1) / (len(y) + 2), 1 / (len(y) + 2))
