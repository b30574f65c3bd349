"""Uses out as scratch space and reads x again after that.

answers: sigmoid_blocked
fails: test_sigmoid_blocked
hint: reads-what-it-overwrote
"""
def sigmoid_blocked(x, out=None, block=8192):
    if block < 1:
        raise ValueError("a block holds at least one number")
    if out is None:
        out = np.empty(x.shape)
    if out.shape != x.shape or out.dtype != np.float64:
        raise ValueError("out must be a float64 array of the shape of x")
    for start in range(0, len(x), block):
        part = slice(start, start + block)
        out[part] = np.exp(-np.abs(x[part]))
        out[part] = np.where(x[part] >= 0, 1.0, out[part]) / (1 + out[part])
    return out
