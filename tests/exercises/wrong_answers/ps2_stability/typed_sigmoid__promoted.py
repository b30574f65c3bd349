"""Makes a float64 of everything and leaves it at that.

answers: typed_sigmoid
fails: test_typed_sigmoid
hint: dtype-promoted
"""
def typed_sigmoid(x):
    x = np.asarray(x)
    if np.iscomplexobj(x):
        raise TypeError("complex numbers have no sigmoid here")
    return sigmoid(x.astype(np.float64))
