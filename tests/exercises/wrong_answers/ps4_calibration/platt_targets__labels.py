"""Returns the labels.

answers: platt_targets
fails: test_platt_targets, test_fit_platt
hint: labels-as-targets
"""
def platt_targets(y):
    return y.astype(float)
