"""Clips at 500, and never grows beyond it.

answers: softplus
fails: test_softplus test_cross_entropy
hint: clipped-too-early
"""
def softplus(x):
    return np.log1p(np.exp(np.clip(x, -500, 500)))
