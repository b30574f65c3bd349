"""Adds up the gradients of the inputs over the batch too.

answers: product_gradients
fails: test_product_gradients
hint: inputs-summed
"""
def product_gradients(dz, x, h, parameters):
    dx = dz.sum(axis=0) @ parameters["weight_ih_l0"]
    dh = dz.sum(axis=0) @ parameters["weight_hh_l0"]
    bias = dz.sum(axis=0)
    gradients = {
        "weight_ih_l0": dz.T @ x,
        "weight_hh_l0": dz.T @ h,
        "bias_ih_l0": bias,
        "bias_hh_l0": bias.copy(),
    }
    return dx, dh, gradients
