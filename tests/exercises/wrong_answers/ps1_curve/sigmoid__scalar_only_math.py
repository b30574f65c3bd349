"""Uses math.exp, which takes one number.

answers: sigmoid
fails: test_sigmoid test_sigmoid_derivative test_response test_soften test_logistic_growth
hint: scalar-only
"""
import math


def sigmoid(x):
    return 1 / (1 + math.exp(-x))
