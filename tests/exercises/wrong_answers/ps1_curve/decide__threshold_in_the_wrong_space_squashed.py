"""Sends the threshold through the sigmoid instead of its inverse.

answers: decide
fails: test_decide
hint: threshold-in-the-wrong-space
"""
def decide(x, threshold):
    return x > 1 / (1 + np.exp(-threshold))
