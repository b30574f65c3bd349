"""Trains on the rest and calibrates on the first part.

answers: calibrated_forecast
fails: test_calibrated_forecast
hint: parts-swapped
"""
def calibrated_forecast(x, y, n_train, x_new):
    def scores(at):
        return model_scores(x[n_train:], y[n_train:], at)

    return calibrate(scores(x[:n_train]), y[:n_train], scores(x_new))
