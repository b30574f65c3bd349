"""Smooths by a fixed amount.

answers: platt_targets
fails: test_platt_targets, test_fit_platt
hint: fixed-smoothing
"""
def platt_targets(y):
    return np.where(y == 1, 0.95, 0.05)
