"""Returns the corner that softplus only approaches.

answers: softplus
fails: test_softplus
hint: corner-not-rounded
"""
def softplus(x):
    return np.maximum(0.0, x)
