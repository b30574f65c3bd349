"""Cuts off single numbers.

answers: guarded_step
fails: test_guarded_step
hint: clipped-by-value
"""
def guarded_step(parameters, gradients, learning_rate, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    if not np.isfinite(norm):
        return parameters, norm, "refused"
    done = "clipped" if norm > max_norm else "taken"
    return [p - learning_rate * np.clip(g, -max_norm, max_norm) for p, g in zip(parameters, gradients)], norm, done
