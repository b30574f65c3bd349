"""Asks the value, not the gradient.

answers: dead_tails
fails: test_dead_tails
hint: value-not-gradient
"""
def dead_tails(name, dtype):
    """Return the whole numbers next to 0, below and above, at which the gradient is exactly 0; None for none."""
    n = torch.arange(1, 1001)
    found = []
    for side in (-n, n):
        x = side.to(getattr(torch, dtype)).requires_grad_()
        value = getattr(torch.nn.functional, name)(x)
        dead = side[(value == 0) | (value == 1)]
        found.append(int(dead[0]) if len(dead) else None)
    return tuple(found)
