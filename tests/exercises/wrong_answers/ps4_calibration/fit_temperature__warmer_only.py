"""Looks for temperatures above 1 only.

answers: fit_temperature
fails: test_fit_temperature
hint: cooler-not-tried
"""
def fit_temperature(z, y):
    if np.all((z > 0) == (y == 1)):
        raise ValueError("every sample is predicted right")

    def slope(beta):
        return np.mean((sigmoid(beta * z) - y) * z)

    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 1 / low
