"""Takes the best of a grid.

answers: fit_temperature
fails: test_fit_temperature
hint: not-at-the-minimum
"""
def fit_temperature(z, y):
    if np.all((z > 0) == (y == 1)):
        raise ValueError("every sample is predicted right")
    grid = np.arange(0.1, 10, 0.1)
    loss = [np.mean(y * np.logaddexp(0, -z / t) + (1 - y) * np.logaddexp(0, z / t)) for t in grid]
    return grid[np.argmin(loss)]
