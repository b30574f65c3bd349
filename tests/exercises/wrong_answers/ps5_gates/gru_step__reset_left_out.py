"""Computes the reset gate and does not use it.

answers: gru_step
fails: test_gru_step
hint: reset-left-out
"""
def gru_step(x, h, parameters):
    a = x @ parameters["weight_ih_l0"].T + parameters["bias_ih_l0"]
    b = h @ parameters["weight_hh_l0"].T + parameters["bias_hh_l0"]
    a_r, a_z, a_n = np.split(a, 3, axis=1)
    b_r, b_z, b_n = np.split(b, 3, axis=1)
    r = sigmoid(a_r + b_r)
    z = sigmoid(a_z + b_z)
    n = np.tanh(a_n + b_n)
    return (1 - z) * n + z * h
