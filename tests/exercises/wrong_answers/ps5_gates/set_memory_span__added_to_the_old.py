"""Adds to the bias that was there.

answers: set_memory_span
fails: test_set_memory_span
hint: added-not-set
"""
def set_memory_span(bias_ih, bias_hh, span):
    H = len(bias_ih) // 4
    bias_ih = bias_ih.copy()
    bias_ih[H : 2 * H] += np.log(span - 1) - bias_hh[H : 2 * H]
    return bias_ih
