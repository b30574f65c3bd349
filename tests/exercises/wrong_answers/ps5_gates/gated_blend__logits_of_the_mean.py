"""Averages the examples before the gate sees them.

answers: gated_blend
fails: test_gated_blend
hint: averaged-over-the-batch
"""
def gated_blend(x, old, new, W, b):
    gate = sigmoid(W @ x.mean(axis=0) + b)
    return gate * new + (1 - gate) * old
