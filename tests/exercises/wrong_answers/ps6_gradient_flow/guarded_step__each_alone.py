"""Clips every array by its own norm.

answers: guarded_step
fails: test_guarded_step
hint: each-array-alone
"""
def guarded_step(parameters, gradients, learning_rate, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    if not np.isfinite(norm):
        return parameters, norm, "refused"
    done = "clipped" if norm > max_norm else "taken"
    gradients = [g * min(1, max_norm / max(np.linalg.norm(g), 1e-300)) for g in gradients]
    return [p - learning_rate * g for p, g in zip(parameters, gradients)], norm, done
