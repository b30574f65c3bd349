"""Hands the sums on, and squashes only what it returns.

answers: forward
fails: test_forward
hint: no-curve-between-layers
"""
def forward(weights, biases, x):
    outputs = []
    for w, b in zip(weights[:-1], biases[:-1]):
        x = x @ w.T + b
        outputs.append(sigmoid(x))
    outputs.append(x @ weights[-1].T + biases[-1])
    return outputs
