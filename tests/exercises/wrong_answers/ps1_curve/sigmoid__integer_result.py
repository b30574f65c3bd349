"""Takes the dtype of the result from the input: integers in, zeros out.

answers: sigmoid
fails: test_sigmoid test_response
hint: integer-result
"""
def sigmoid(x):
    x = np.asarray(x)
    result = np.zeros_like(x)
    result[...] = 1 / (1 + np.exp(-x))
    return result
