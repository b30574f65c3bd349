"""Returns a number of Python.

answers: log_loss
fails: test_log_loss
hint: gradient-cut
"""
def log_loss(z, y):
    """Return the mean cross-entropy of logits z with labels y: a tensor without axes."""
    if z.shape != y.shape:
        raise ValueError(f"z has shape {tuple(z.shape)} and y {tuple(y.shape)}")
    log_p, log_q = torch.nn.functional.logsigmoid(z), torch.nn.functional.logsigmoid(-z)
    return -torch.mean(y * log_p + (1 - y) * log_q).item()
