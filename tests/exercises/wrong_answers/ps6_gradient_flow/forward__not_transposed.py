"""Multiplies with W instead of its transpose.

answers: forward
fails: test_forward
hint: layer-not-transposed
"""
def forward(weights, biases, x):
    outputs = []
    for w, b in zip(weights[:-1], biases[:-1]):
        x = sigmoid(x @ w + b)
        outputs.append(x)
    outputs.append(x @ weights[-1] + biases[-1])
    return outputs
