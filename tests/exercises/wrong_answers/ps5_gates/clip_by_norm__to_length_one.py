"""Scales down to a length of 1.

answers: clip_by_norm
fails: test_clip_by_norm
hint: scaled-to-one
"""
def clip_by_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients.values()))
    factor = 1 / norm if norm > max_norm else 1
    return {name: factor * g for name, g in gradients.items()}, norm
