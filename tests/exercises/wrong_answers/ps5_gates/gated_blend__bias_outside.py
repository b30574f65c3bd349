"""Adds the bias to the gate instead of to its logit.

answers: gated_blend
fails: test_gated_blend
hint: bias-outside-the-gate
"""
def gated_blend(x, old, new, W, b):
    gate = sigmoid(x @ W.T) + b
    return gate * new + (1 - gate) * old
