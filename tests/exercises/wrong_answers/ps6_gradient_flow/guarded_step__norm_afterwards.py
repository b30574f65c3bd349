"""Reports the norm after clipping.

answers: guarded_step
fails: test_guarded_step
hint: norm-afterwards
"""
def guarded_step(parameters, gradients, learning_rate, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    if not np.isfinite(norm):
        return parameters, norm, "refused"
    factor, done = (max_norm / norm, "clipped") if norm > max_norm else (1.0, "taken")
    return [p - learning_rate * factor * g for p, g in zip(parameters, gradients)], factor * norm, done
