"""Lets complex numbers through and drops their imaginary part.

answers: typed_sigmoid
fails: test_typed_sigmoid
hint: complex-accepted
"""
def typed_sigmoid(x):
    x = np.asarray(x).real
    kept = x.dtype if x.dtype.kind == "f" else np.float64
    return sigmoid(x.astype(np.float64)).astype(kept)
