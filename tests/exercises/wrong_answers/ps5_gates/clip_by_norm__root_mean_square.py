"""Takes the mean of the squares.

answers: clip_by_norm
fails: test_clip_by_norm
hint: mean-of-squares
"""
def clip_by_norm(gradients, max_norm):
    everything = np.concatenate([g.ravel() for g in gradients.values()])
    norm = np.sqrt(np.mean(everything**2))
    factor = max_norm / norm if norm > max_norm else 1
    return {name: factor * g for name, g in gradients.items()}, norm
