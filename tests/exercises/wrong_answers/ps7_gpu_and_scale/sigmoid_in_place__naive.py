"""Overflows on the left.

answers: sigmoid_in_place
fails: test_sigmoid_in_place
hint: overflow
"""
def sigmoid_in_place(x, block):
    for i in range(0, x.size, block):
        x.flat[i : i + block] = 1 / (1 + np.exp(-x.flat[i : i + block]))
