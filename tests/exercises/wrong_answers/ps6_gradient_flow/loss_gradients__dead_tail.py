"""Uses s (1 - s), which is 0 from 37 on.

answers: loss_gradients
fails: test_loss_gradients
hint: dead-tail
"""
def loss_gradients(logits, y):
    s = sigmoid(logits)
    return s - y, 2 * (s - y) * s * (1 - s)
