"""Takes the dtype of the result from the input: integers in, zeros out.

answers: sigmoid
fails: test_sigmoid
hint: integer-result
"""
def sigmoid(x):
    x = np.asarray(x)
    result = np.zeros_like(x)
    right = x >= 0
    result[right] = 1 / (1 + np.exp(-x[right]))
    e = np.exp(x[~right])
    result[~right] = e / (1 + e)
    return result
