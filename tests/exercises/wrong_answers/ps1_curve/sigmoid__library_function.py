"""Calls the library's answer through a helper and another name.

answers: sigmoid
fails: test_sigmoid
hint: library-function
"""
from scipy import special as sp


def _helper(v):
    return sp.expit(v)


def sigmoid(x):
    return _helper(x)
