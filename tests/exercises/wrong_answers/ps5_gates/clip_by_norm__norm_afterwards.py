"""Returns the norm after clipping.

answers: clip_by_norm
fails: test_clip_by_norm
hint: norm-afterwards
"""
def clip_by_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients.values()))
    factor = max_norm / norm if norm > max_norm else 1
    return {name: factor * g for name, g in gradients.items()}, min(norm, max_norm)
