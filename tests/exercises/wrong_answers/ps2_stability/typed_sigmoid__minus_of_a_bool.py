"""Puts a minus sign before whatever comes in, also before a bool.

answers: typed_sigmoid
fails: test_typed_sigmoid
hint: small-integers
"""
def typed_sigmoid(x):
    x = np.asarray(x)
    if np.iscomplexobj(x):
        raise TypeError("complex numbers have no sigmoid here")
    kept = x.dtype if x.dtype.kind == "f" else np.float64
    with np.errstate(over="ignore"):
        return (1 / (1 + np.exp((-x).astype(np.float64)))).astype(kept)
