"""Takes the hinge itself.

answers: softplus
fails: test_softplus test_cross_entropy
hint: corner-not-rounded
"""
def softplus(x):
    return np.maximum(x, 0.0)
