"""Adds the biases to both products.

answers: lstm_step
fails: test_lstm_step, test_run_lstm
hint: bias-added-twice
"""
def lstm_step(x, h, c, parameters):
    bias = parameters["bias_ih_l0"] + parameters["bias_hh_l0"]
    z = (x @ parameters["weight_ih_l0"].T + bias) + (h @ parameters["weight_hh_l0"].T + bias)
    i, f, g, o = np.split(z, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * c + i * g
    return o * np.tanh(c), c
