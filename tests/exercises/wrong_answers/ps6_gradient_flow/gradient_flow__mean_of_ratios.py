"""Averages the ratios of neighbours.

answers: gradient_flow
fails: test_gradient_flow
hint: mean-of-the-ratios
"""
def gradient_flow(gradients):
    norms = np.array([np.linalg.norm(g) for g in gradients])
    return norms, np.mean(norms[:-1] / norms[1:])
