"""Sets one bias and forgets that the other is added.

answers: set_memory_span
fails: test_set_memory_span
hint: other-bias-ignored
"""
def set_memory_span(bias_ih, bias_hh, span):
    H = len(bias_ih) // 4
    bias_ih = bias_ih.copy()
    bias_ih[H : 2 * H] = np.log(span - 1)
    return bias_ih
