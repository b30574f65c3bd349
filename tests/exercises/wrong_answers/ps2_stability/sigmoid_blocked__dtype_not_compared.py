"""Compares the shapes only: an array of whole numbers takes zeros and ones.

answers: sigmoid_blocked
fails: test_sigmoid_blocked
hint: out-does-not-fit
"""
def sigmoid_blocked(x, out=None, block=8192):
    if block < 1:
        raise ValueError("a block holds at least one number")
    if out is None:
        out = np.empty(x.shape)
    if out.shape != x.shape:
        raise ValueError("out must be a float64 array of the shape of x")
    for start in range(0, len(x), block):
        part = slice(start, start + block)
        out[part] = sigmoid(x[part])
    return out
