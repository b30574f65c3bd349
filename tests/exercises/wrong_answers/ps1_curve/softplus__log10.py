"""Takes the logarithm to base 10.

answers: softplus
fails: test_softplus
hint: log10
"""
def softplus(x):
    return np.log10(1 + np.exp(x))
