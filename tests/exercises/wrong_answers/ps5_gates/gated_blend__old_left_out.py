"""Only scales the new values.

answers: gated_blend
fails: test_gated_blend
hint: old-state-dropped
"""
def gated_blend(x, old, new, W, b):
    gate = sigmoid(x @ W.T + b)
    return gate * new
