"""Blends in the caller's state.

answers: gru_step
fails: test_gru_step
hint: changes-its-input
"""
def gru_step(x, h, parameters):
    a = x @ parameters["weight_ih_l0"].T + parameters["bias_ih_l0"]
    b = h @ parameters["weight_hh_l0"].T + parameters["bias_hh_l0"]
    a_r, a_z, a_n = np.split(a, 3, axis=1)
    b_r, b_z, b_n = np.split(b, 3, axis=1)
    r = sigmoid(a_r + b_r)
    z = sigmoid(a_z + b_z)
    n = np.tanh(a_n + r * b_n)
    h *= z
    h += (1 - z) * n
    return h
