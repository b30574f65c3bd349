"""Takes the largest norm of an array for the norm of all.

answers: clip_by_norm
fails: test_clip_by_norm
hint: largest-array-only
"""
def clip_by_norm(gradients, max_norm):
    norm = max(np.sqrt(np.sum(g**2)) for g in gradients.values())
    factor = max_norm / norm if norm > max_norm else 1
    return {name: factor * g for name, g in gradients.items()}, norm
