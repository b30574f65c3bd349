"""Returns x itself above 20, as PyTorch does.

answers: softplus
fails: test_softplus
hint: cut-at-a-threshold
"""
def softplus(x):
    return np.where(x > 20, x, np.log1p(np.exp(np.minimum(x, 20))))
