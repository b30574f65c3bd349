"""Takes the root mean square.

answers: gradient_flow
fails: test_gradient_flow
hint: mean-of-squares
"""
def gradient_flow(gradients):
    norms = np.array([np.sqrt(np.mean(g**2)) for g in gradients])
    return norms, (norms[0] / norms[-1]) ** (1 / (len(norms) - 1))
