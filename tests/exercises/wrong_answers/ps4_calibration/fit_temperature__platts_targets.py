"""Uses Platt's targets.

answers: fit_temperature
fails: test_fit_temperature
hint: targets-not-asked
"""
def fit_temperature(z, y):
    if np.all((z > 0) == (y == 1)):
        raise ValueError("every sample is predicted right")
    t = platt_targets(y)

    def slope(beta):
        return np.mean((sigmoid(beta * z) - t) * z)

    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 1 / low
