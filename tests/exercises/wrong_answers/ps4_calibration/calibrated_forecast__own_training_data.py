"""Fits the calibrator on what the model was trained on.

answers: calibrated_forecast
fails: test_calibrated_forecast
hint: calibrated-on-training-data
"""
def calibrated_forecast(x, y, n_train, x_new):
    def scores(at):
        return model_scores(x[:n_train], y[:n_train], at)

    return calibrate(scores(x[:n_train]), y[:n_train], scores(x_new))
