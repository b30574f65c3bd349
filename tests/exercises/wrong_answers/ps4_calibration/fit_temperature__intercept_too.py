"""Fits an intercept beside the temperature.

answers: fit_temperature
fails: test_fit_temperature
hint: intercept-too
"""
def fit_temperature(z, y):
    if np.all((z > 0) == (y == 1)):
        raise ValueError("every sample is predicted right")
    slope, intercept = 0.0, 0.0
    for _ in range(50):
        p = sigmoid(slope * z + intercept)
        w = p * (1 - p)
        hessian = np.array([[w @ z**2, w @ z], [w @ z, w.sum()]])
        slope, intercept = np.array([slope, intercept]) - np.linalg.solve(hessian, [(p - y) @ z, (p - y).sum()])
    return 1 / slope
