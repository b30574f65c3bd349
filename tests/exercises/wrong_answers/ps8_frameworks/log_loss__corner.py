"""Has a corner where the logit is 0.

answers: log_loss
fails: test_log_loss
hint: corner-at-zero
"""
def log_loss(z, y):
    """Return the mean cross-entropy of logits z with labels y: a tensor without axes."""
    if z.shape != y.shape:
        raise ValueError(f"z has shape {tuple(z.shape)} and y {tuple(y.shape)}")
    return torch.mean(torch.relu(z) - z * y + torch.log1p(torch.exp(-torch.abs(z))))
