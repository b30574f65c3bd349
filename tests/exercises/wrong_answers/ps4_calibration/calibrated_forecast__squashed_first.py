"""Turns the scores into probabilities before the calibrator sees them.

answers: calibrated_forecast
fails: test_calibrated_forecast
hint: squashed-first
"""
def calibrated_forecast(x, y, n_train, x_new):
    def scores(at):
        return sigmoid(model_scores(x[:n_train], y[:n_train], at))

    return calibrate(scores(x[n_train:]), y[n_train:], scores(x_new))
