"""Trains again on everything after the calibrator was fitted.

answers: calibrated_forecast
fails: test_calibrated_forecast
hint: another-model
"""
def calibrated_forecast(x, y, n_train, x_new):
    held_out = model_scores(x[:n_train], y[:n_train], x[n_train:])
    return calibrate(held_out, y[n_train:], model_scores(x, y, x_new))
