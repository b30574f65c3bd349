"""Takes every label for 0 or 1.

answers: log_loss
fails: test_log_loss
hint: labels-rounded
"""
def log_loss(z, y):
    """Return the mean cross-entropy of logits z with labels y: a tensor without axes."""
    if z.shape != y.shape:
        raise ValueError(f"z has shape {tuple(z.shape)} and y {tuple(y.shape)}")
    return -torch.mean(torch.nn.functional.logsigmoid(torch.where(y > 0.5, z, -z)))
