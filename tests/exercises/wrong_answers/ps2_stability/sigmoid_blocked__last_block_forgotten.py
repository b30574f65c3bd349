"""Counts whole blocks only.

answers: sigmoid_blocked
fails: test_sigmoid_blocked
hint: last-block-forgotten
"""
def sigmoid_blocked(x, out=None, block=8192):
    if block < 1:
        raise ValueError("a block holds at least one number")
    if out is None:
        out = np.zeros(x.shape)
    if out.shape != x.shape or out.dtype != np.float64:
        raise ValueError("out must be a float64 array of the shape of x")
    for number in range(len(x) // block):
        part = slice(number * block, (number + 1) * block)
        out[part] = sigmoid(x[part])
    return out
