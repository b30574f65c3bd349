"""Has no blocks.

answers: sigmoid_in_place
fails: test_sigmoid_in_place
hint: larger-than-a-block
"""
def sigmoid_in_place(x, block):
    e = np.exp(-np.abs(x))
    x[...] = np.where(x >= 0, 1, e) / (1 + e)
