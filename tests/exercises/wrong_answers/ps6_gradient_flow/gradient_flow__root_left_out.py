"""Forgets the root of the sum of squares.

answers: gradient_flow
fails: test_gradient_flow
hint: root-left-out
"""
def gradient_flow(gradients):
    norms = np.array([np.sum(g**2) for g in gradients])
    return norms, (norms[0] / norms[-1]) ** (1 / (len(norms) - 1))
