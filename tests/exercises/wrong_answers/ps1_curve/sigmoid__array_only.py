"""Fills an array of the shape of x, which a number does not have.

answers: sigmoid
fails: test_sigmoid test_sigmoid_derivative test_response
hint: array-only
"""
def sigmoid(x):
    result = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        result[i] = 1 / (1 + np.exp(-x[i]))
    return result
