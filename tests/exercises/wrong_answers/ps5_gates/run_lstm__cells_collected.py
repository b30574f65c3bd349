"""Collects the cell states instead of the hidden states.

answers: run_lstm
fails: test_run_lstm
hint: cell-for-hidden
"""
def run_lstm(x, h, c, parameters):
    y = []
    for x_t in x:
        h, c = lstm_step(x_t, h, c, parameters)
        y.append(c)
    return np.stack(y), h, c
