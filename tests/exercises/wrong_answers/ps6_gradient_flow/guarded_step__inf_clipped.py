"""Refuses nan, and clips what is infinite.

answers: guarded_step
fails: test_guarded_step
hint: infinity-not-clipped-away
"""
def guarded_step(parameters, gradients, learning_rate, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    if np.isnan(norm):
        return parameters, norm, "refused"
    factor, done = (max_norm / norm, "clipped") if norm > max_norm else (1.0, "taken")
    return [p - learning_rate * factor * g for p, g in zip(parameters, gradients)], norm, done
