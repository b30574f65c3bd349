"""Takes the input for the hidden state in the recurrent weights' gradient.

answers: product_gradients
fails: test_product_gradients
hint: input-for-hidden
"""
def product_gradients(dz, x, h, parameters):
    dx = dz @ parameters["weight_ih_l0"]
    dh = dz @ parameters["weight_hh_l0"]
    bias = dz.sum(axis=0)
    gradients = {
        "weight_ih_l0": dz.T @ x,
        "weight_hh_l0": dz.T @ x,
        "bias_ih_l0": bias,
        "bias_hh_l0": bias.copy(),
    }
    return dx, dh, gradients
