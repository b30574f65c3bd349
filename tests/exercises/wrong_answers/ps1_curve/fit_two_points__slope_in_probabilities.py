"""Lays a straight line through the probabilities.

answers: fit_two_points
fails: test_fit_two_points
hint: slope-in-probabilities
"""
def fit_two_points(x1, p1, x2, p2):
    if x1 == x2 or p1 == p2:
        raise ValueError("the two points do not determine a curve")
    alpha = (p2 - p1) / (x2 - x1)
    return alpha, x1 + (0.5 - p1) / alpha
