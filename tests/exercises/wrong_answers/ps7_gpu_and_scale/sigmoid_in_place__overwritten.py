"""Looks for the sign after it has overwritten the number.

answers: sigmoid_in_place
fails: test_sigmoid_in_place
hint: reads-what-it-overwrote
"""
def sigmoid_in_place(x, block):
    with np.nditer(x, ["external_loop", "buffered", "zerosize_ok"], ["readwrite"], buffersize=block) as blocks:
        for z in blocks:
            z[...] = np.exp(-np.abs(z))
            z[...] = np.where(z >= 0, 1, z) / (1 + z)
