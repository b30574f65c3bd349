"""Squashes with tanh, whose range is -1 to 1.

answers: gated_blend
fails: test_gated_blend
hint: tanh-for-gate
"""
def gated_blend(x, old, new, W, b):
    gate = np.tanh(x @ W.T + b)
    return gate * new + (1 - gate) * old
