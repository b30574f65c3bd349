"""Returns the losses themselves.

answers: loss_gradients
fails: test_loss_gradients
hint: losses-not-gradients
"""
def loss_gradients(logits, y):
    return np.logaddexp(0, logits) - y * logits, (sigmoid(logits) - y) ** 2
