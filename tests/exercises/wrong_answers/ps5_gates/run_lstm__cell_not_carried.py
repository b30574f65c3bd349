"""Carries the hidden state and starts every step from the initial cell state.

answers: run_lstm
fails: test_run_lstm
hint: cell-not-carried
"""
def run_lstm(x, h, c, parameters):
    y = []
    for x_t in x:
        h, c_next = lstm_step(x_t, h, c, parameters)
        y.append(h)
    return np.stack(y), h, c_next
