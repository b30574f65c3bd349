"""Walks along the second axis, which is the batch.

answers: run_lstm
fails: test_run_lstm
hint: batch-taken-for-time
"""
def run_lstm(x, h, c, parameters):
    y = []
    for t in range(x.shape[1]):
        h, c = lstm_step(x[:, t], h, c, parameters)
        y.append(h)
    return np.stack(y), h, c
