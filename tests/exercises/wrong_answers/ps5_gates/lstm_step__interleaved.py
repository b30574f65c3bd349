"""Takes every fourth number for a gate instead of a quarter.

answers: lstm_step
fails: test_lstm_step, test_run_lstm
hint: gates-interleaved
"""
def lstm_step(x, h, c, parameters):
    z = x @ parameters["weight_ih_l0"].T + h @ parameters["weight_hh_l0"].T
    z = z + parameters["bias_ih_l0"] + parameters["bias_hh_l0"]
    i, f, g, o = (z[:, k::4] for k in range(4))
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * c + i * g
    return o * np.tanh(c), c
