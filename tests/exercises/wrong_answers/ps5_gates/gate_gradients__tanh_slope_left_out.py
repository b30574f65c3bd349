"""Leaves out the slope of tanh on the way from h to c.

answers: gate_gradients
fails: test_gate_gradients
hint: tanh-slope-left-out
"""
def gate_gradients(dh, dc, x, h, c, parameters):
    z = x @ parameters["weight_ih_l0"].T + h @ parameters["weight_hh_l0"].T
    z = z + parameters["bias_ih_l0"] + parameters["bias_hh_l0"]
    i, f, g, o = np.split(z, 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c_new = f * c + i * g
    squashed = np.tanh(c_new)
    dc = dc + dh * o
    di = dc * g * i * (1 - i)
    df = dc * c * f * (1 - f)
    dg = dc * i * (1 - g**2)
    do = dh * squashed * o * (1 - o)
    return np.concatenate([di, df, dg, do], axis=1), dc * f
