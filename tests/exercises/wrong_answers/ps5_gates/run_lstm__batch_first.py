"""Stacks the steps along the second axis.

answers: run_lstm
fails: test_run_lstm
hint: outputs-batch-first
"""
def run_lstm(x, h, c, parameters):
    outputs = []
    for x_t in x:
        h, c = lstm_step(x_t, h, c, parameters)
        outputs.append(h)
    return np.stack(outputs, axis=1), h, c
