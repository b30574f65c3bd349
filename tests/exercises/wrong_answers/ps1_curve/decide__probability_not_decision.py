"""Returns the probability and leaves the decision to the caller.

answers: decide
fails: test_decide
hint: probability-not-decision
"""
def decide(x, threshold):
    return 1 / (1 + np.exp(-x))
