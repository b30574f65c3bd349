"""Has a block size of its own.

answers: sigmoid_in_place
fails: test_sigmoid_in_place
hint: larger-than-a-block
"""
def sigmoid_in_place(x, block):
    block = max(block, 65_536)
    for i in range(0, x.size, block):
        z = x.flat[i : i + block]
        e = np.exp(-np.abs(z))
        x.flat[i : i + block] = np.where(z >= 0, 1, e) / (1 + e)
