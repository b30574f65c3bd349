"""Computes in float16 and float32, and rounds at every step.

answers: typed_sigmoid
fails: test_typed_sigmoid
hint: rounded-more-than-once
"""
def typed_sigmoid(x):
    x = np.asarray(x)
    if np.iscomplexobj(x):
        raise TypeError("complex numbers have no sigmoid here")
    if x.dtype.kind != "f":
        x = x.astype(np.float64)
    e = np.exp(-np.abs(x))
    return (np.where(x >= 0, x.dtype.type(1), e) / (1 + e)).astype(x.dtype)
