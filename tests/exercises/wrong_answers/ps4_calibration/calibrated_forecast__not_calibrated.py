"""Leaves the scores as they are.

answers: calibrated_forecast
fails: test_calibrated_forecast
hint: not-calibrated
"""
def calibrated_forecast(x, y, n_train, x_new):
    return sigmoid(model_scores(x[:n_train], y[:n_train], x_new))
