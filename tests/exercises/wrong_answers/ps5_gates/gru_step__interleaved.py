"""Takes every third number for a gate.

answers: gru_step
fails: test_gru_step
hint: gates-interleaved
"""
def gru_step(x, h, parameters):
    a = x @ parameters["weight_ih_l0"].T + parameters["bias_ih_l0"]
    b = h @ parameters["weight_hh_l0"].T + parameters["bias_hh_l0"]
    a_r, a_z, a_n = (a[:, k::3] for k in range(3))
    b_r, b_z, b_n = (b[:, k::3] for k in range(3))
    r = sigmoid(a_r + b_r)
    z = sigmoid(a_z + b_z)
    n = np.tanh(a_n + r * b_n)
    return (1 - z) * n + z * h
