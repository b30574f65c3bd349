"""Returns the logits alone.

answers: forward
fails: test_forward
hint: only-the-logits
"""
def forward(weights, biases, x):
    for w, b in zip(weights[:-1], biases[:-1]):
        x = sigmoid(x @ w.T + b)
    return x @ weights[-1].T + biases[-1]
