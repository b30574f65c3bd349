"""Uses math.log1p and math.exp, which take one number.

answers: softplus
fails: test_softplus
hint: scalar-only
"""
import math


def softplus(x):
    return math.log1p(math.exp(x))
