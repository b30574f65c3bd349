"""Mixes a NumPy float64 into the formula, and float32 gives way.

answers: typed_sigmoid
fails: test_typed_sigmoid
hint: dtype-promoted
"""
def typed_sigmoid(x):
    x = np.asarray(x)
    if np.iscomplexobj(x):
        raise TypeError("complex numbers have no sigmoid here")
    x = x if x.dtype.kind == "f" else x.astype(np.float64)
    one = np.float64(1)
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, one, e) / (one + e)
