"""Collects the hidden states in an array of float64.

answers: run_lstm
fails: test_run_lstm
hint: dtype-promoted
"""
def run_lstm(x, h, c, parameters):
    y = np.zeros((len(x), *h.shape))
    for t in range(len(x)):
        h, c = lstm_step(x[t], h, c, parameters)
        y[t] = h
    return y, h, c
