"""Writes fractions into an array of whole numbers.

answers: platt_targets
fails: test_platt_targets, test_fit_platt
hint: integer-result
"""
def platt_targets(y):
    targets = y.copy()
    targets[y == 1] = (np.sum(y == 1) + 1) / (np.sum(y == 1) + 2)
    targets[y == 0] = 1 / (np.sum(y == 0) + 2)
    return targets
