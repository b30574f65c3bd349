"""Slices rows, which are the batch, instead of columns.

answers: lstm_step
fails: test_lstm_step, test_run_lstm
hint: cut-along-the-batch
"""
def lstm_step(x, h, c, parameters):
    H = h.shape[1]
    z = x @ parameters["weight_ih_l0"].T + h @ parameters["weight_hh_l0"].T
    z = z + parameters["bias_ih_l0"] + parameters["bias_hh_l0"]
    i, f, g, o = sigmoid(z[:H]), sigmoid(z[H : 2 * H]), np.tanh(z[2 * H : 3 * H]), sigmoid(z[3 * H :])
    c = f * c + i * g
    return o * np.tanh(c), c
