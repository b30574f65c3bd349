"""Does not compare the shapes: three logits against a column of three labels are nine losses.

answers: cross_entropy
fails: test_cross_entropy
hint: broadcast-by-accident
"""
def cross_entropy(z, y):
    if z.size == 0:
        raise ValueError("the loss of an empty batch is not defined")
    return np.mean(y * softplus(-z) + (1 - y) * softplus(z))
