"""Reads the sequence from its end.

answers: run_lstm
fails: test_run_lstm
hint: time-reversed
"""
def run_lstm(x, h, c, parameters):
    outputs = []
    for x_t in reversed(x):
        h, c = lstm_step(x_t, h, c, parameters)
        outputs.append(h)
    return np.stack(outputs), h, c
