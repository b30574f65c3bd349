"""Scales with a float64 of NumPy, which makes float64 of float32.

answers: clip_by_norm
fails: test_clip_by_norm
hint: dtype-promoted
"""
def clip_by_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.sum(g.astype(np.float64) ** 2) for g in gradients.values()))
    factor = max_norm / norm if norm > max_norm else np.float64(1)
    return {name: factor * g for name, g in gradients.items()}, norm
