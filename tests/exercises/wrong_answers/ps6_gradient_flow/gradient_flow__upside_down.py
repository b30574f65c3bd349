"""Divides the last norm by the first.

answers: gradient_flow
fails: test_gradient_flow
hint: factor-upside-down
"""
def gradient_flow(gradients):
    norms = np.array([np.linalg.norm(g) for g in gradients])
    return norms, (norms[-1] / norms[0]) ** (1 / (len(norms) - 1))
