"""Writes into an array of any shape and dtype.

answers: sigmoid_blocked
fails: test_sigmoid_blocked
hint: out-does-not-fit
"""
def sigmoid_blocked(x, out=None, block=8192):
    if block < 1:
        raise ValueError("a block holds at least one number")
    if out is None:
        out = np.empty(x.shape)
    for start in range(0, len(x), block):
        part = slice(start, start + block)
        out[..., part] = sigmoid(x[part])
    return out
