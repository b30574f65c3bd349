"""Returns the end of its search where no temperature is best.

answers: fit_temperature
fails: test_fit_temperature
hint: no-best-temperature
"""
def fit_temperature(z, y):

    def slope(beta):
        return np.mean((sigmoid(beta * z) - y) * z)

    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 1 / low
