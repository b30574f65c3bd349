"""Ends a block one number too early.

answers: sigmoid_in_place
fails: test_sigmoid_in_place
hint: block-bounds
"""
def sigmoid_in_place(x, block):
    for start in range(0, x.size, block):
        end = start + block - 1
        z = x.flat[start:end]
        e = np.exp(-np.abs(z))
        x.flat[start:end] = np.where(z >= 0, 1, e) / (1 + e)
