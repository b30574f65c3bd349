"""Takes the logarithm of the sigmoid.

answers: log_loss
fails: test_log_loss
hint: log-after-sigmoid
"""
def log_loss(z, y):
    """Return the mean cross-entropy of logits z with labels y: a tensor without axes."""
    if z.shape != y.shape:
        raise ValueError(f"z has shape {tuple(z.shape)} and y {tuple(y.shape)}")
    p = torch.sigmoid(z)
    return -torch.mean(torch.where(y > 0, y * torch.log(p), 0) + torch.where(y < 1, (1 - y) * torch.log(1 - p), 0))
