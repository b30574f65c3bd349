"""Adds the bias to the value of the sigmoid.

answers: forward
fails: test_forward
hint: added-after-the-sigmoid
"""
def forward(weights, biases, x):
    outputs = []
    for w, b in zip(weights[:-1], biases[:-1]):
        x = sigmoid(x @ w.T) + b
        outputs.append(x)
    outputs.append(x @ weights[-1].T + biases[-1])
    return outputs
