"""Looks at the first two layers only.

answers: gradient_flow
fails: test_gradient_flow
hint: one-step-of-many
"""
def gradient_flow(gradients):
    norms = np.array([np.linalg.norm(g) for g in gradients])
    return norms, norms[0] / norms[1]
