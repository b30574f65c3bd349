"""Loses one of the two minus signs of the chain rule.

answers: sigmoid_derivative
fails: test_sigmoid_derivative
hint: chain-rule-sign
"""
def sigmoid_derivative(x):
    e = np.exp(-np.abs(x))
    return -e / (1 + e) ** 2
