"""Makes the buffer for the gates in float64.

answers: lstm_step
fails: test_lstm_step, test_run_lstm
hint: dtype-promoted
"""
def lstm_step(x, h, c, parameters):
    B, H = h.shape
    z = np.zeros((B, 4 * H))
    z += x @ parameters["weight_ih_l0"].T + parameters["bias_ih_l0"]
    z += h @ parameters["weight_hh_l0"].T + parameters["bias_hh_l0"]
    i, f, o = sigmoid(z[:, :H]), sigmoid(z[:, H : 2 * H]), sigmoid(z[:, 3 * H :])
    c = f * c + i * np.tanh(z[:, 2 * H : 3 * H])
    return o * np.tanh(c), c
