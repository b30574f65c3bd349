"""Clips each array by its own norm.

answers: clip_by_norm
fails: test_clip_by_norm
hint: each-array-alone
"""
def clip_by_norm(gradients, max_norm):
    clipped = {}
    for name, g in gradients.items():
        norm = np.linalg.norm(g)
        clipped[name] = g * (max_norm / norm) if norm > max_norm else g
    return clipped, np.sqrt(sum(np.linalg.norm(g) ** 2 for g in gradients.values()))
