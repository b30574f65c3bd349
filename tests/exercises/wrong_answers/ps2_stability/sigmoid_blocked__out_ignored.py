"""Fills an array of its own, whatever the caller gave.

answers: sigmoid_blocked
fails: test_sigmoid_blocked
hint: out-ignored
"""
def sigmoid_blocked(x, out=None, block=8192):
    if block < 1:
        raise ValueError("a block holds at least one number")
    if out is None:
        out = np.empty(x.shape)
    if out.shape != x.shape or out.dtype != np.float64:
        raise ValueError("out must be a float64 array of the shape of x")
    result = np.empty(x.shape)
    for start in range(0, len(x), block):
        part = slice(start, start + block)
        result[part] = sigmoid(x[part])
    return result
