"""Fits a slope alone.

answers: fit_platt
fails: test_fit_platt
hint: curve-fixed-at-half
"""
def fit_platt(scores, y):
    t, slope = platt_targets(y), 0.0
    for _ in range(50):
        p = sigmoid(slope * scores)
        slope = slope - (p - t) @ scores / (p * (1 - p) @ scores**2)
    return slope, 0.0
