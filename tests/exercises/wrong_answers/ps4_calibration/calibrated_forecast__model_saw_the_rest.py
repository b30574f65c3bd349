"""Trains on everything, and calibrates on the rest, which the model has seen.

answers: calibrated_forecast
fails: test_calibrated_forecast
hint: model-has-seen-them
"""
def calibrated_forecast(x, y, n_train, x_new):
    def scores(at):
        return model_scores(x, y, at)

    return calibrate(scores(x[n_train:]), y[n_train:], scores(x_new))
