"""Ignores the threshold: 0.5 for everyone.

answers: decide
fails: test_decide
hint: threshold-fixed-at-half
"""
def decide(x, threshold):
    return x > 0
