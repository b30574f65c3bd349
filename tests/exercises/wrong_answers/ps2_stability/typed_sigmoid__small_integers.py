"""Leaves whole numbers to NumPy, which takes the smallest float that holds them.

answers: typed_sigmoid
fails: test_typed_sigmoid
hint: small-integers
"""
def typed_sigmoid(x):
    x = np.asarray(x)
    if np.iscomplexobj(x):
        raise TypeError("complex numbers have no sigmoid here")
    if x.dtype.kind == "f":
        return sigmoid(x.astype(np.float64)).astype(x.dtype)
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)
