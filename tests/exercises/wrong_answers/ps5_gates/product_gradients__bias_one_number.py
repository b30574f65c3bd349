"""Adds the biases' gradients up to one number.

answers: product_gradients
fails: test_product_gradients
hint: summed-over-everything
"""
def product_gradients(dz, x, h, parameters):
    dx = dz @ parameters["weight_ih_l0"]
    dh = dz @ parameters["weight_hh_l0"]
    bias = dz.sum()
    gradients = {
        "weight_ih_l0": dz.T @ x,
        "weight_hh_l0": dz.T @ h,
        "bias_ih_l0": bias,
        "bias_hh_l0": bias.copy(),
    }
    return dx, dh, gradients
