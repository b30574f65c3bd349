"""Returns the last hidden state instead of all of them.

answers: run_lstm
fails: test_run_lstm
hint: only-the-last-state
"""
def run_lstm(x, h, c, parameters):
    for x_t in x:
        h, c = lstm_step(x_t, h, c, parameters)
    return h, h, c
