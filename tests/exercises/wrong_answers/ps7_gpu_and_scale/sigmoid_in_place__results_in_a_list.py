"""Collects the blocks and writes them back at the end.

answers: sigmoid_in_place
fails: test_sigmoid_in_place
hint: larger-than-a-block
"""
def sigmoid_in_place(x, block):
    done = []
    for i in range(0, x.size, block):
        z = x.flat[i : i + block]
        e = np.exp(-np.abs(z))
        done.append(np.where(z >= 0, 1, e) / (1 + e))
    if done:
        x.flat[:] = np.concatenate(done)
