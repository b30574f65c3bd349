"""Sets a total of 1, whatever the span.

answers: set_memory_span
fails: test_set_memory_span
hint: span-ignored
"""
def set_memory_span(bias_ih, bias_hh, span):
    H = len(bias_ih) // 4
    bias_ih = bias_ih.copy()
    bias_ih[H : 2 * H] = 1.0 - bias_hh[H : 2 * H]
    return bias_ih
