"""Calls the library's answer.

answers: sigmoid
fails: test_sigmoid test_typed_sigmoid test_sigmoid_blocked
hint: library-function
"""
from scipy.special import expit


def sigmoid(x):
    return expit(x)
