"""Resets the hidden state before the product, as in the first paper.

answers: gru_step
fails: test_gru_step
hint: reset-before-the-product
"""
def gru_step(x, h, parameters):
    W_r, W_z, W_n = np.split(parameters["weight_ih_l0"], 3)
    U_r, U_z, U_n = np.split(parameters["weight_hh_l0"], 3)
    b_r, b_z, b_n = np.split(parameters["bias_ih_l0"], 3)
    d_r, d_z, d_n = np.split(parameters["bias_hh_l0"], 3)
    r = sigmoid(x @ W_r.T + b_r + h @ U_r.T + d_r)
    z = sigmoid(x @ W_z.T + b_z + h @ U_z.T + d_z)
    n = np.tanh(x @ W_n.T + b_n + (r * h) @ U_n.T + d_n)
    return (1 - z) * n + z * h
