"""Returns a list of the hidden states.

answers: run_lstm
fails: test_run_lstm
hint: list-not-array
"""
def run_lstm(x, h, c, parameters):
    outputs = []
    for x_t in x:
        h, c = lstm_step(x_t, h, c, parameters)
        outputs.append(h)
    return outputs, h, c
