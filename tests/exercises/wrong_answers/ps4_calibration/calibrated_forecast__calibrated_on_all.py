"""Fits the calibrator on all samples, the model's own among them.

answers: calibrated_forecast
fails: test_calibrated_forecast
hint: training-data-among-them
"""
def calibrated_forecast(x, y, n_train, x_new):
    def scores(at):
        return model_scores(x[:n_train], y[:n_train], at)

    return calibrate(scores(x), y, scores(x_new))
