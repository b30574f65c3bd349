"""Adds up the batch before it multiplies.

answers: product_gradients
fails: test_product_gradients
hint: batch-summed-too-early
"""
def product_gradients(dz, x, h, parameters):
    dx = dz @ parameters["weight_ih_l0"]
    dh = dz @ parameters["weight_hh_l0"]
    bias = dz.sum(axis=0)
    gradients = {
        "weight_ih_l0": np.outer(dz.sum(axis=0), x.sum(axis=0)),
        "weight_hh_l0": np.outer(dz.sum(axis=0), h.sum(axis=0)),
        "bias_ih_l0": bias,
        "bias_hh_l0": bias.copy(),
    }
    return dx, dh, gradients
