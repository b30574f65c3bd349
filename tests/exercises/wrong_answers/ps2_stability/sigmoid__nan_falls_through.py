"""Fills zeros where x >= 0 and where x < 0, which leaves out nan.

answers: sigmoid
fails: test_sigmoid
hint: nan-falls-through
"""
def sigmoid(x):
    x = np.asarray(x, dtype=float)
    result = np.zeros(x.shape)
    right, left = x >= 0, x < 0
    result[right] = 1 / (1 + np.exp(-x[right]))
    e = np.exp(x[left])
    result[left] = e / (1 + e)
    return result
