"""Takes the first quarter for the forget gate.

answers: lstm_step
fails: test_lstm_step, test_run_lstm
hint: input-and-forget-swapped
"""
def lstm_step(x, h, c, parameters):
    z = x @ parameters["weight_ih_l0"].T + h @ parameters["weight_hh_l0"].T
    z = z + parameters["bias_ih_l0"] + parameters["bias_hh_l0"]
    f, i, g, o = np.split(z, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * c + i * g
    return o * np.tanh(c), c
