"""Clips at 500, where exp is far from overflowing.

answers: sigmoid
fails: test_sigmoid
hint: clipped-too-early
"""
def sigmoid(x):
    return 1 / (1 + np.exp(-np.clip(x, -500, 500)))
