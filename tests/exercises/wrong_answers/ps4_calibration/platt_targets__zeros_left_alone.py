"""Moves the 1s and leaves the 0s at 0.

answers: platt_targets
fails: test_platt_targets, test_fit_platt
hint: one-side-only
"""
def platt_targets(y):
    positives = np.sum(y == 1)
    return np.where(y == 1, (positives + 1) / (positives + 2), 0.0)
