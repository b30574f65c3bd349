"""Keeps the sums before the sigmoid.

answers: forward
fails: test_forward
hint: pre-activations-returned
"""
def forward(weights, biases, x):
    outputs = []
    for w, b in zip(weights, biases):
        z = x @ w.T + b
        outputs.append(z)
        x = sigmoid(z)
    return outputs
