"""Averages the gate over the batch.

answers: gated_blend
fails: test_gated_blend
hint: averaged-over-the-batch
"""
def gated_blend(x, old, new, W, b):
    gate = sigmoid(x @ W.T + b).mean(axis=0)
    return gate * new + (1 - gate) * old
