"""Keeps the running state in the caller's arrays.

answers: run_lstm
fails: test_run_lstm
hint: changes-its-input
"""
def run_lstm(x, h, c, parameters):
    y = []
    for x_t in x:
        h[:], c[:] = lstm_step(x_t, h, c, parameters)
        y.append(h.copy())
    return np.stack(y), h, c
