"""Adds absolute values.

answers: gradient_flow
fails: test_gradient_flow
hint: sizes-added
"""
def gradient_flow(gradients):
    norms = np.array([np.sum(np.abs(g)) for g in gradients])
    return norms, (norms[0] / norms[-1]) ** (1 / (len(norms) - 1))
