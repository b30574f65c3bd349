"""Collects one buffer again and again, which ends with the last state in every place.

answers: run_lstm
fails: test_run_lstm
hint: one-buffer-for-all-steps
"""
def run_lstm(x, h, c, parameters):
    h, c = h.copy(), c.copy()
    y = []
    for x_t in x:
        h[:], c[:] = lstm_step(x_t, h, c, parameters)
        y.append(h)
    return np.stack(y), h, c
