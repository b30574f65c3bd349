"""Clips at 500, which overflows in float32 and in float16.

answers: typed_sigmoid
fails: test_typed_sigmoid
hint: limit-of-another-dtype
"""
def typed_sigmoid(x):
    x = np.asarray(x)
    if np.iscomplexobj(x):
        raise TypeError("complex numbers have no sigmoid here")
    if x.dtype.kind != "f":
        x = x.astype(np.float64)
    return 1 / (1 + np.exp(-np.clip(x, -500, 500)))
