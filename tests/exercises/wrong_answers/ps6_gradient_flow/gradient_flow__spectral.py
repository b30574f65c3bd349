"""Asks for the 2-norm of a matrix.

answers: gradient_flow
fails: test_gradient_flow
hint: spectral-norm
"""
def gradient_flow(gradients):
    norms = np.array([np.linalg.norm(g, 2) for g in gradients])
    return norms, (norms[0] / norms[-1]) ** (1 / (len(norms) - 1))
