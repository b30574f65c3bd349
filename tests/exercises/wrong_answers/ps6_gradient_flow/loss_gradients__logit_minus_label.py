"""Subtracts the label from the logit.

answers: loss_gradients
fails: test_loss_gradients
hint: logit-minus-label
"""
def loss_gradients(logits, y):
    return logits - y, 2 * (logits - y) * sigmoid_derivative(logits)
