"""Puts numbers into the formula of the slope.

answers: dead_tails
fails: test_dead_tails
hint: formula-not-framework
"""
def dead_tails(name, dtype):
    """Return the whole numbers next to 0, below and above, at which the gradient is exactly 0; None for none."""
    n = torch.arange(1, 1001)
    found = []
    for side in (-n, n):
        x = side.to(getattr(torch, dtype))
        gradient = torch.sigmoid(x) * torch.sigmoid(-x)
        dead = side[gradient == 0]
        found.append(int(dead[0]) if len(dead) else None)
    return tuple(found)
