"""Flattens with reshape, which copies what does not lie side by side.

answers: sigmoid_in_place
fails: test_sigmoid_in_place
hint: works-on-a-copy
"""
def sigmoid_in_place(x, block):
    flat = x.reshape(-1)
    for i in range(0, flat.size, block):
        z = flat[i : i + block]
        e = np.exp(-np.abs(z))
        flat[i : i + block] = np.where(z >= 0, 1, e) / (1 + e)
