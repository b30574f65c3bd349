"""Takes the logarithm of the sigmoid's mirror image.

answers: softplus
fails: test_softplus test_cross_entropy
hint: log-after-sigmoid
"""
def softplus(x):
    return -np.log(sigmoid(-x))
