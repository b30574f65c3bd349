"""Returns a new array and leaves the caller's as it was.

answers: sigmoid_in_place
fails: test_sigmoid_in_place
hint: works-on-a-copy
"""
def sigmoid_in_place(x, block):
    out = np.empty_like(x)
    for i in range(0, x.size, block):
        z = x.flat[i : i + block]
        e = np.exp(-np.abs(z))
        out.flat[i : i + block] = np.where(z >= 0, 1, e) / (1 + e)
    return out
