"""Keeps the old values whole and adds the new ones to them.

answers: gated_blend
fails: test_gated_blend
hint: both-kept-whole
"""
def gated_blend(x, old, new, W, b):
    gate = sigmoid(x @ W.T + b)
    return old + gate * new
