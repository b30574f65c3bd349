"""Divides by the norm before it asks whether there is anything to clip.

answers: clip_by_norm
fails: test_clip_by_norm
hint: zero-norm
"""
def clip_by_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients.values()))
    factor = np.minimum(1, max_norm / norm)
    return {name: factor * g for name, g in gradients.items()}, norm
