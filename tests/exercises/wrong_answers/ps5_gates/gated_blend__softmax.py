"""Makes the gates of a row share a sum of 1.

answers: gated_blend
fails: test_gated_blend
hint: gates-share-one
"""
def gated_blend(x, old, new, W, b):
    z = x @ W.T + b
    e = np.exp(z - z.max(axis=1, keepdims=True))
    gate = e / e.sum(axis=1, keepdims=True)
    return gate * new + (1 - gate) * old
