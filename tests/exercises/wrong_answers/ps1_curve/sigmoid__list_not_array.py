"""Builds a list, item by item.

answers: sigmoid
fails: test_sigmoid test_sigmoid_derivative test_response test_soften test_logistic_growth
hint: list-not-array
"""
def sigmoid(x):
    if np.ndim(x) == 0:
        return 1 / (1 + np.exp(-x))
    return [1 / (1 + np.exp(-v)) for v in x]
