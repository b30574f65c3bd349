"""Adds PyTorch's 1e-6 to the norm.

answers: clip_by_norm
fails: test_clip_by_norm
hint: epsilon-in-the-norm
"""
def clip_by_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients.values()))
    factor = max_norm / (norm + 1e-6) if norm > max_norm else 1
    return {name: factor * g for name, g in gradients.items()}, norm
