"""Divides by the number of rows.

answers: loss_gradients
fails: test_loss_gradients
hint: divided-by-the-batch
"""
def loss_gradients(logits, y):
    error = (sigmoid(logits) - y) / len(y)
    return error, 2 * error * sigmoid_derivative(logits)
