"""Has the curve mirrored: it falls to 0 on the right.

answers: softplus
fails: test_softplus
hint: softplus-sign
"""
def softplus(x):
    return np.log(1 + np.exp(-x))
