"""Writes the formula down as it stands: exp overflows on the left.

answers: sigmoid
fails: test_sigmoid
hint: overflow
"""
def sigmoid(x):
    return 1 / (1 + np.exp(-x))
