"""Computes the right half well and subtracts it from 1 for the left one.

answers: sigmoid
fails: test_sigmoid test_typed_sigmoid
hint: tail-rounded-away
"""
def sigmoid(x):
    right = 1 / (1 + np.exp(-np.abs(x)))
    return np.where(x >= 0, right, 1 - right)
