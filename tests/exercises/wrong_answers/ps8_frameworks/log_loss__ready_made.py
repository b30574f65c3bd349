"""Calls the loss that is there.

answers: log_loss
fails: test_log_loss
hint: ready-made
"""
def log_loss(z, y):
    """Return the mean cross-entropy of logits z with labels y: a tensor without axes."""
    if z.shape != y.shape:
        raise ValueError(f"z has shape {tuple(z.shape)} and y {tuple(y.shape)}")
    return torch.nn.functional.binary_cross_entropy_with_logits(z, y)
