"""Takes the S-curve that runs from -1 to 1.

answers: sigmoid
fails: test_sigmoid test_sigmoid_derivative test_response test_soften test_logistic_growth
hint: range-of-tanh
"""
def sigmoid(x):
    return np.tanh(x / 2)
