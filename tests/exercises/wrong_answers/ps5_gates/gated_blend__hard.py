"""Rounds the gate to open or closed.

answers: gated_blend
fails: test_gated_blend
hint: hard-switch
"""
def gated_blend(x, old, new, W, b):
    is_open = x @ W.T + b > 0
    return np.where(is_open, new, old)
