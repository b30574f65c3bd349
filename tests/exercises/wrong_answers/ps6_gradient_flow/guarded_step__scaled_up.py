"""Brings every gradient to the same length.

answers: guarded_step
fails: test_guarded_step
hint: small-gradients-scaled-up
"""
def guarded_step(parameters, gradients, learning_rate, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    if not np.isfinite(norm):
        return parameters, norm, "refused"
    done = "clipped" if norm > max_norm else "taken"
    return [p - learning_rate * g * max_norm / norm for p, g in zip(parameters, gradients)], norm, done
