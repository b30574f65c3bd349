"""Multiplies the fraction by exp(x), which is inf / inf on the right.

answers: sigmoid
fails: test_sigmoid
hint: inf-over-inf
"""
def sigmoid(x):
    return np.exp(x) / (1 + np.exp(x))
