"""Puts the clipped arrays into the caller's dict.

answers: clip_by_norm
fails: test_clip_by_norm
hint: changes-its-input
"""
def clip_by_norm(gradients, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients.values()))
    if norm > max_norm:
        for name in gradients:
            gradients[name] = gradients[name] * (max_norm / norm)
    return gradients, norm
