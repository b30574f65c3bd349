"""Divides the probability by the temperature.

answers: fit_temperature
fails: test_fit_temperature
hint: temperature-on-the-probability
"""
def fit_temperature(z, y):
    if np.all((z > 0) == (y == 1)):
        raise ValueError("every sample is predicted right")

    def slope(beta):
        p = sigmoid(z)
        return np.mean(y / beta - (1 - y) * (p / beta**2) / (1 - p / beta))

    low, high = np.max(sigmoid(z)), 1000.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return low
