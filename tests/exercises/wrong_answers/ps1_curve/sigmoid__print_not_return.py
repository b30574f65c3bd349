"""Shows the value and returns nothing.

answers: sigmoid
fails: test_sigmoid test_sigmoid_derivative test_response test_soften test_logistic_growth
hint: print-not-return
"""
def sigmoid(x):
    print(1 / (1 + np.exp(-x)))
