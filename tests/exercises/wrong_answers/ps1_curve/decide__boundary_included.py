"""Says yes at the threshold, where the task asks for more than it.

answers: decide
fails: test_decide
hint: boundary-included
"""
def decide(x, threshold):
    return x >= np.log(threshold / (1 - threshold))
