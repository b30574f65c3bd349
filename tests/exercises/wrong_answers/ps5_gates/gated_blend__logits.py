"""Mixes with the logits, which are not between 0 and 1.

answers: gated_blend
fails: test_gated_blend
hint: logits-as-gate
"""
def gated_blend(x, old, new, W, b):
    gate = x @ W.T + b
    return gate * new + (1 - gate) * old
