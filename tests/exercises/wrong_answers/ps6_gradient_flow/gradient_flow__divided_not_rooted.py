"""Divides the ratio by the number of steps.

answers: gradient_flow
fails: test_gradient_flow
hint: divided-not-rooted
"""
def gradient_flow(gradients):
    norms = np.array([np.linalg.norm(g) for g in gradients])
    return norms, norms[0] / norms[-1] / (len(norms) - 1)
