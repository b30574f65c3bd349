"""Starts from zeros, so that the other gates lose their biases.

answers: set_memory_span
fails: test_set_memory_span
hint: other-gates-cleared
"""
def set_memory_span(bias_ih, bias_hh, span):
    H = len(bias_ih) // 4
    bias_ih = np.zeros_like(bias_ih)
    bias_ih[H : 2 * H] = np.log(span - 1) - bias_hh[H : 2 * H]
    return bias_ih
