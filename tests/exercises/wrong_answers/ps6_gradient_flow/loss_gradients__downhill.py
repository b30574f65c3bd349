"""Has the sign of the step, not of the gradient.

answers: loss_gradients
fails: test_loss_gradients
hint: downhill-not-uphill
"""
def loss_gradients(logits, y):
    error = y - sigmoid(logits)
    return error, 2 * error * sigmoid_derivative(logits)
