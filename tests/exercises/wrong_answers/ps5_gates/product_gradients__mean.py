"""Averages over the batch.

answers: product_gradients
fails: test_product_gradients
hint: mean-over-the-batch
"""
def product_gradients(dz, x, h, parameters):
    dx = dz @ parameters["weight_ih_l0"]
    dh = dz @ parameters["weight_hh_l0"]
    bias = dz.mean(axis=0)
    gradients = {
        "weight_ih_l0": dz.T @ x / len(x),
        "weight_hh_l0": dz.T @ h / len(x),
        "bias_ih_l0": bias,
        "bias_hh_l0": bias.copy(),
    }
    return dx, dh, gradients
