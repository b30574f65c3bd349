"""Reads from the end and puts the outputs back into the sequence's order.

answers: run_lstm
fails: test_run_lstm
hint: time-reversed-outputs
"""
def run_lstm(x, h, c, parameters):
    y = np.empty((len(x), *h.shape), dtype=h.dtype)
    for t in range(len(x) - 1, -1, -1):
        h, c = lstm_step(x[t], h, c, parameters)
        y[t] = h
    return y, h, c
