"""Uses the hyperbolic tangent, which is -1 in the left tail.

answers: sigmoid
fails: test_sigmoid test_typed_sigmoid
hint: tail-rounded-away
"""
def sigmoid(x):
    return 0.5 * (1 + np.tanh(0.5 * x))
