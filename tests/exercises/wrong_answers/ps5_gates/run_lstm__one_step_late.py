"""Collects the hidden state before each step.

answers: run_lstm
fails: test_run_lstm
hint: output-one-step-late
"""
def run_lstm(x, h, c, parameters):
    y = []
    for x_t in x:
        y.append(h)
        h, c = lstm_step(x_t, h, c, parameters)
    return np.stack(y), h, c
