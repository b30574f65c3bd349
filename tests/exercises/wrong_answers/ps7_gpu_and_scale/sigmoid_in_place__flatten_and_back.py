"""Flattens into a copy, and copies back at the end.

answers: sigmoid_in_place
fails: test_sigmoid_in_place
hint: larger-than-a-block
"""
def sigmoid_in_place(x, block):
    flat = x.flatten()
    for i in range(0, flat.size, block):
        z = flat[i : i + block]
        e = np.exp(-np.abs(z))
        flat[i : i + block] = np.where(z >= 0, 1, e) / (1 + e)
    x[...] = flat.reshape(x.shape)
