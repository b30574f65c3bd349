"""Takes np.linalg.norm with ord=2, which is another norm for a matrix.

answers: clip_by_norm
fails: test_clip_by_norm
hint: spectral-norm
"""
def clip_by_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.linalg.norm(g, 2) ** 2 for g in gradients.values()))
    factor = max_norm / norm if norm > max_norm else 1
    return {name: factor * g for name, g in gradients.items()}, norm
