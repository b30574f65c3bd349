"""Steps in the caller's arrays.

answers: guarded_step
fails: test_guarded_step
hint: changes-its-input
"""
def guarded_step(parameters, gradients, learning_rate, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    if not np.isfinite(norm):
        return parameters, norm, "refused"
    factor, done = (max_norm / norm, "clipped") if norm > max_norm else (1.0, "taken")
    for p, g in zip(parameters, gradients):
        p -= learning_rate * factor * g
    return parameters, norm, done
