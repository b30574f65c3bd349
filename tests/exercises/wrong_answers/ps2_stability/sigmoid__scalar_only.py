"""Chooses the branch with if, which takes one truth value.

answers: sigmoid
fails: test_sigmoid test_typed_sigmoid test_sigmoid_blocked
hint: scalar-only
"""
def sigmoid(x):
    if x >= 0:
        return 1 / (1 + np.exp(-x))
    return np.exp(x) / (1 + np.exp(x))
