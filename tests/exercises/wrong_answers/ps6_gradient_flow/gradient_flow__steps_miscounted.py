"""Counts layers instead of the steps between them.

answers: gradient_flow
fails: test_gradient_flow
hint: steps-miscounted
"""
def gradient_flow(gradients):
    norms = np.array([np.linalg.norm(g) for g in gradients])
    return norms, (norms[0] / norms[-1]) ** (1 / len(norms))
