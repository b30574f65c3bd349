"""Lets 1/e be left after a span, which is nearly the same.

answers: set_memory_span
fails: test_set_memory_span
hint: exponential-span
"""
def set_memory_span(bias_ih, bias_hh, span):
    H = len(bias_ih) // 4
    keep = np.exp(-1 / span)
    bias_ih = bias_ih.copy()
    bias_ih[H : 2 * H] = np.log(keep / (1 - keep)) - bias_hh[H : 2 * H]
    return bias_ih
