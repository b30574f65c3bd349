"""Divides by zero where no curve is determined.

answers: fit_two_points
fails: test_fit_two_points
hint: points-do-not-decide
"""
def fit_two_points(x1, p1, x2, p2):
    z1, z2 = np.log(p1 / (1 - p1)), np.log(p2 / (1 - p2))
    alpha = (z2 - z1) / (x2 - x1)
    return alpha, x1 - z1 / alpha
