"""Multiplies with W as it stands, which goes unnoticed where W is square.

answers: gated_blend
fails: test_gated_blend
hint: weights-not-transposed
"""
def gated_blend(x, old, new, W, b):
    gate = sigmoid(x @ W + b)
    return gate * new + (1 - gate) * old
