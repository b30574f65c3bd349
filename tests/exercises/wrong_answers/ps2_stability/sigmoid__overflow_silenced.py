"""Keeps the overflow and turns the warning off: the tail is 0.

answers: sigmoid
fails: test_sigmoid
hint: tail-rounded-away
"""
def sigmoid(x):
    with np.errstate(all="ignore"):
        return 1 / (1 + np.exp(-x))
