"""Returns the norms as a list.

answers: gradient_flow
fails: test_gradient_flow
hint: list-not-array
"""
def gradient_flow(gradients):
    norms = [float(np.sqrt(np.sum(g**2))) for g in gradients]
    return norms, (norms[0] / norms[-1]) ** (1 / (len(norms) - 1))
