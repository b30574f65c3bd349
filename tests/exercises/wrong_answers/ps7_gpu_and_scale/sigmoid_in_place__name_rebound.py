"""Binds the name x anew.

answers: sigmoid_in_place
fails: test_sigmoid_in_place
hint: works-on-a-copy
"""
def sigmoid_in_place(x, block):
    e = np.exp(-np.abs(x))
    x = np.where(x >= 0, 1, e) / (1 + e)
    return x
