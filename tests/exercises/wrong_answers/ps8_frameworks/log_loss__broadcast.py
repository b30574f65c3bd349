"""Lets the shapes broadcast.

answers: log_loss
fails: test_log_loss
hint: shapes-broadcast-quietly
"""
def log_loss(z, y):
    """Return the mean cross-entropy of logits z with labels y: a tensor without axes."""
    log_p, log_q = torch.nn.functional.logsigmoid(z), torch.nn.functional.logsigmoid(-z)
    return -torch.mean(y * log_p + (1 - y) * log_q)
