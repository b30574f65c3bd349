"""Calls the library's answer.

answers: logit
fails: test_logit
hint: library-function
"""
import scipy.special


def logit(p):
    return scipy.special.logit(p)
