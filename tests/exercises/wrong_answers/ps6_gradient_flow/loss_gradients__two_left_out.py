"""Forgets the 2 of the square.

answers: loss_gradients
fails: test_loss_gradients
hint: two-left-out
"""
def loss_gradients(logits, y):
    error = sigmoid(logits) - y
    return error, error * sigmoid_derivative(logits)
