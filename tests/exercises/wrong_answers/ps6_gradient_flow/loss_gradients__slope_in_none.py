"""Stops at the derivative by the probability.

answers: loss_gradients
fails: test_loss_gradients
hint: square-without-its-slope
"""
def loss_gradients(logits, y):
    error = sigmoid(logits) - y
    return error, 2 * error
