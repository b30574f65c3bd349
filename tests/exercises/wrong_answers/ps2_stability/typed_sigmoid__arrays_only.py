"""Asks the input for its dtype, which a number and a list do not have.

answers: typed_sigmoid
fails: test_typed_sigmoid
hint: array-only
"""
def typed_sigmoid(x):
    if np.iscomplexobj(x):
        raise TypeError("complex numbers have no sigmoid here")
    kept = x.dtype if x.dtype.kind == "f" else np.float64
    return sigmoid(x.astype(np.float64)).astype(kept)
