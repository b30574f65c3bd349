"""Forgets the biases.

answers: forward
fails: test_forward
hint: biases-left-out
"""
def forward(weights, biases, x):
    outputs = []
    for w in weights[:-1]:
        x = sigmoid(x @ w.T)
        outputs.append(x)
    outputs.append(x @ weights[-1].T)
    return outputs
