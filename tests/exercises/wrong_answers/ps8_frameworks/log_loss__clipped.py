"""Clips the probabilities, as Keras does.

answers: log_loss
fails: test_log_loss
hint: eps-clipped
"""
def log_loss(z, y):
    """Return the mean cross-entropy of logits z with labels y: a tensor without axes."""
    if z.shape != y.shape:
        raise ValueError(f"z has shape {tuple(z.shape)} and y {tuple(y.shape)}")
    p = torch.sigmoid(z).clamp(1e-7, 1 - 1e-7)
    return -torch.mean(y * torch.log(p) + (1 - y) * torch.log(1 - p))
