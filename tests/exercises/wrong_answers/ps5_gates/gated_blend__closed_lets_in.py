"""Lets the new values in where the gate is closed.

answers: gated_blend
fails: test_gated_blend
hint: gate-turned-round
"""
def gated_blend(x, old, new, W, b):
    gate = sigmoid(x @ W.T + b)
    return gate * old + (1 - gate) * new
