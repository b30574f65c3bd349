"""Forgets the bias.

answers: gated_blend
fails: test_gated_blend
hint: gate-bias-left-out
"""
def gated_blend(x, old, new, W, b):
    gate = sigmoid(x @ W.T)
    return gate * new + (1 - gate) * old
