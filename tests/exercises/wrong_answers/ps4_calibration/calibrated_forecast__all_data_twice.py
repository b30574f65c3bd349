"""Trains and calibrates on everything.

answers: calibrated_forecast
fails: test_calibrated_forecast
hint: nothing-held-out
"""
def calibrated_forecast(x, y, n_train, x_new):
    def scores(at):
        return model_scores(x, y, at)

    return calibrate(scores(x), y, scores(x_new))
