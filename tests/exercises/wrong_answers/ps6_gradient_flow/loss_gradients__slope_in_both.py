"""Multiplies the cross-entropy's gradient with the slope too.

answers: loss_gradients
fails: test_loss_gradients
hint: slope-factor
"""
def loss_gradients(logits, y):
    error = sigmoid(logits) - y
    slope = sigmoid_derivative(logits)
    return error * slope, 2 * error * slope
