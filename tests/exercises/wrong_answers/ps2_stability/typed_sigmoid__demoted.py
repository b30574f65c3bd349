"""Makes a float32 of everything.

answers: typed_sigmoid
fails: test_typed_sigmoid
hint: dtype-demoted
"""
def typed_sigmoid(x):
    x = np.asarray(x)
    if np.iscomplexobj(x):
        raise TypeError("complex numbers have no sigmoid here")
    return sigmoid(x.astype(np.float64)).astype(np.float32)
