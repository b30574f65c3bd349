"""Takes the logarithm to base 10.

answers: fit_two_points
fails: test_fit_two_points
hint: log10
"""
def fit_two_points(x1, p1, x2, p2):
    if x1 == x2 or p1 == p2:
        raise ValueError("the two points do not determine a curve")
    z1, z2 = np.log10(p1 / (1 - p1)), np.log10(p2 / (1 - p2))
    alpha = (z2 - z1) / (x2 - x1)
    return alpha, x1 - z1 / alpha
