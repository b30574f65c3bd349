"""Takes a block of rows, however long a row is.

answers: sigmoid_in_place
fails: test_sigmoid_in_place
hint: larger-than-a-block
"""
def sigmoid_in_place(x, block):
    for i in range(0, len(x), block):
        z = x[i : i + block]
        e = np.exp(-np.abs(z))
        x[i : i + block] = np.where(z >= 0, 1, e) / (1 + e)
