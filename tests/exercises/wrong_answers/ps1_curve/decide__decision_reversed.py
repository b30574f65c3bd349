"""Says yes below the threshold.

answers: decide
fails: test_decide
hint: decision-reversed
"""
def decide(x, threshold):
    return x < np.log(threshold / (1 - threshold))
