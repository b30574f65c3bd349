"""Takes the logarithm of 1 - σ(x), which has rounded to 1 or to 0.

answers: at_least_one
fails: test_at_least_one
hint: complement-rounded
"""
def at_least_one(x):
    return -np.expm1(np.sum(np.log(1 - sigmoid(x))))
