"""Writes the blend into the caller's old values.

answers: gated_blend
fails: test_gated_blend
hint: changes-its-input
"""
def gated_blend(x, old, new, W, b):
    gate = sigmoid(x @ W.T + b)
    old *= 1 - gate
    old += gate * new
    return old
