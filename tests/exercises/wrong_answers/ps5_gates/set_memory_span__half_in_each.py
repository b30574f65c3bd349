"""Sets half, as if the other bias held the other half.

answers: set_memory_span
fails: test_set_memory_span
hint: half-in-each
"""
def set_memory_span(bias_ih, bias_hh, span):
    H = len(bias_ih) // 4
    bias_ih = bias_ih.copy()
    bias_ih[H : 2 * H] = np.log(span - 1) / 2
    return bias_ih
