"""Computes in float32 always.

answers: dead_tails
fails: test_dead_tails
hint: dtype-ignored
"""
def dead_tails(name, dtype):
    """Return the whole numbers next to 0, below and above, at which the gradient is exactly 0; None for none."""
    n = torch.arange(1, 1001)
    found = []
    for side in (-n, n):
        x = side.to(torch.float32).requires_grad_()
        (gradient,) = torch.autograd.grad(getattr(torch.nn.functional, name)(x).sum(), x)
        dead = side[gradient == 0]
        found.append(int(dead[0]) if len(dead) else None)
    return tuple(found)
