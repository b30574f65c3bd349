"""Ends with a sigmoid like every other layer.

answers: forward
fails: test_forward
hint: logits-squashed
"""
def forward(weights, biases, x):
    outputs = []
    for w, b in zip(weights, biases):
        x = sigmoid(x @ w.T + b)
        outputs.append(x)
    return outputs
