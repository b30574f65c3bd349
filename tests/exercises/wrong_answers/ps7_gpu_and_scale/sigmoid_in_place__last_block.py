"""Counts whole blocks only.

answers: sigmoid_in_place
fails: test_sigmoid_in_place
hint: last-block-forgotten
"""
def sigmoid_in_place(x, block):
    for k in range(x.size // block):
        part = slice(k * block, (k + 1) * block)
        z = x.flat[part]
        e = np.exp(-np.abs(z))
        x.flat[part] = np.where(z >= 0, 1, e) / (1 + e)
