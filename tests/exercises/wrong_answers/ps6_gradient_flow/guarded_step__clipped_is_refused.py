"""Refuses a step that is too long.

answers: guarded_step
fails: test_guarded_step
hint: refused-too-often
"""
def guarded_step(parameters, gradients, learning_rate, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in gradients))
    if not norm <= max_norm:
        return parameters, norm, "refused"
    return [p - learning_rate * g for p, g in zip(parameters, gradients)], norm, "taken"
