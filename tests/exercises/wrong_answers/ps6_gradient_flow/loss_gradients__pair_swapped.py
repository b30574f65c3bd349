"""Returns the squared error first.

answers: loss_gradients
fails: test_loss_gradients
hint: pair-swapped
"""
def loss_gradients(logits, y):
    error = sigmoid(logits) - y
    return 2 * error * sigmoid_derivative(logits), error
