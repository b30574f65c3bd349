"""Does not add the biases' gradients up over the batch.

answers: product_gradients
fails: test_product_gradients
hint: batch-not-summed
"""
def product_gradients(dz, x, h, parameters):
    dx = dz @ parameters["weight_ih_l0"]
    dh = dz @ parameters["weight_hh_l0"]
    bias = dz
    gradients = {
        "weight_ih_l0": dz.T @ x,
        "weight_hh_l0": dz.T @ h,
        "bias_ih_l0": bias,
        "bias_hh_l0": bias.copy(),
    }
    return dx, dh, gradients
