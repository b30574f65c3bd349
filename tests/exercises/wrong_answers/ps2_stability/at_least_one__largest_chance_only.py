"""Takes the likeliest of the events for all of them.

answers: at_least_one
fails: test_at_least_one
hint: largest-chance-only
"""
def at_least_one(x):
    return np.max(sigmoid(x), initial=0.0)
