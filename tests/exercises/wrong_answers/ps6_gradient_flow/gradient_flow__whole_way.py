"""Returns the ratio of the first norm to the last.

answers: gradient_flow
fails: test_gradient_flow
hint: whole-way-not-a-layer
"""
def gradient_flow(gradients):
    norms = np.array([np.linalg.norm(g) for g in gradients])
    return norms, norms[0] / norms[-1]
