"""Starts from zeros, whatever the caller gives.

answers: run_lstm
fails: test_run_lstm
hint: start-ignored
"""
def run_lstm(x, h, c, parameters):
    h, c = np.zeros_like(h), np.zeros_like(c)
    y = []
    for x_t in x:
        h, c = lstm_step(x_t, h, c, parameters)
        y.append(h)
    return np.stack(y), h, c
