"""Takes blocks of a negative length, which are no blocks at all.

answers: sigmoid_blocked
fails: test_sigmoid_blocked
hint: block-not-positive
"""
def sigmoid_blocked(x, out=None, block=8192):
    if out is None:
        out = np.empty(x.shape)
    if out.shape != x.shape or out.dtype != np.float64:
        raise ValueError("out must be a float64 array of the shape of x")
    for start in range(0, len(x), block):
        part = slice(start, start + block)
        out[part] = sigmoid(x[part])
    return out
