"""Gives the weights' gradients the shape of their transposes.

answers: product_gradients
fails: test_product_gradients
hint: gradient-transposed
"""
def product_gradients(dz, x, h, parameters):
    dx = dz @ parameters["weight_ih_l0"]
    dh = dz @ parameters["weight_hh_l0"]
    bias = dz.sum(axis=0)
    gradients = {
        "weight_ih_l0": x.T @ dz,
        "weight_hh_l0": h.T @ dz,
        "bias_ih_l0": bias,
        "bias_hh_l0": bias.copy(),
    }
    return dx, dh, gradients
