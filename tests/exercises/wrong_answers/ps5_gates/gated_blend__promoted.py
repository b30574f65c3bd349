"""Collects the rows in a new array of float64.

answers: gated_blend
fails: test_gated_blend
hint: dtype-promoted
"""
def gated_blend(x, old, new, W, b):
    blended = np.empty(old.shape)
    for row in range(len(x)):
        gate = sigmoid(W @ x[row] + b)
        blended[row] = gate * new[row] + (1 - gate) * old[row]
    return blended
