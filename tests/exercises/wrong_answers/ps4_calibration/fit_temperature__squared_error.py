"""Minimises the Brier score.

answers: fit_temperature
fails: test_fit_temperature
hint: squared-not-cross-entropy
"""
def fit_temperature(z, y):
    if np.all((z > 0) == (y == 1)):
        raise ValueError("every sample is predicted right")

    def slope(beta):
        p = sigmoid(beta * z)
        return np.mean((p - y) * p * (1 - p) * z)

    low, high = 0.0, 3.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 1 / low
