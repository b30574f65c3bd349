"""Gives the data to every layer.

answers: forward
fails: test_forward
hint: every-layer-reads-x
"""
def forward(weights, biases, x):
    outputs = [sigmoid(x @ w.T + b) for w, b in zip(weights[:-1], biases[:-1])]
    return [*outputs, x @ weights[-1].T + biases[-1]]
