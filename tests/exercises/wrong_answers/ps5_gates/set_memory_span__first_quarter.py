"""Sets the input gate's bias.

answers: set_memory_span
fails: test_set_memory_span
hint: wrong-quarter
"""
def set_memory_span(bias_ih, bias_hh, span):
    H = len(bias_ih) // 4
    bias_ih = bias_ih.copy()
    bias_ih[:H] = np.log(span - 1) - bias_hh[:H]
    return bias_ih
