"""Clips every number.

answers: clip_by_norm
fails: test_clip_by_norm
hint: clipped-by-value
"""
def clip_by_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients.values()))
    return {name: np.clip(g, -max_norm, max_norm) for name, g in gradients.items()}, norm
