"""Gives the result the dtype of the input: integers in, zeros out.

answers: typed_sigmoid
fails: test_typed_sigmoid
hint: integer-result
"""
def typed_sigmoid(x):
    x = np.asarray(x)
    if np.iscomplexobj(x):
        raise TypeError("complex numbers have no sigmoid here")
    result = np.zeros_like(x)
    result[...] = sigmoid(x.astype(np.float64))
    return result
