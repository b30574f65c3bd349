"""Uses math.log, which takes one number.

answers: logit
fails: test_logit test_soften
hint: scalar-only
"""
import math


def logit(p):
    return math.log(p / (1 - p))
