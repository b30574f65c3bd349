"""Fills the two halves by boolean indexing, which a number does not have.

answers: sigmoid
fails: test_sigmoid
hint: array-only
"""
def sigmoid(x):
    result = np.empty(x.shape)
    right = x >= 0
    result[right] = 1 / (1 + np.exp(-x[right]))
    e = np.exp(x[~right])
    result[~right] = e / (1 + e)
    return result
