"""Compares a logit with a probability.

answers: decide
fails: test_decide
hint: threshold-in-the-wrong-space
"""
def decide(x, threshold):
    return x > threshold
