"""Puts the input at the front of the list.

answers: forward
fails: test_forward
hint: input-among-the-layers
"""
def forward(weights, biases, x):
    outputs = [x]
    for w, b in zip(weights[:-1], biases[:-1]):
        outputs.append(sigmoid(outputs[-1] @ w.T + b))
    outputs.append(outputs[-1] @ weights[-1].T + biases[-1])
    return outputs
