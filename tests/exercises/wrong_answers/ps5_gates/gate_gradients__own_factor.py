"""Multiplies each factor's gradient with itself and not with its partner.

answers: gate_gradients
fails: test_gate_gradients
hint: own-factor
"""
def gate_gradients(dh, dc, x, h, c, parameters):
    z = x @ parameters["weight_ih_l0"].T + h @ parameters["weight_hh_l0"].T
    z = z + parameters["bias_ih_l0"] + parameters["bias_hh_l0"]
    i, f, g, o = np.split(z, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c_new = f * c + i * g
    squashed = np.tanh(c_new)
    dc = dc + dh * o * (1 - squashed**2)
    di = dc * i * i * (1 - i)
    df = dc * c * f * (1 - f)
    dg = dc * g * (1 - g**2)
    do = dh * squashed * o * (1 - o)
    return np.concatenate([di, df, dg, do], axis=1), dc * f
