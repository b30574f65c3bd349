"""Decides with if, which takes one truth value.

answers: decide
fails: test_decide
hint: scalar-only
"""
def decide(x, threshold):
    if 1 / (1 + np.exp(-x)) > threshold:
        return True
    return False
