"""Sets the bias of every gate.

answers: set_memory_span
fails: test_set_memory_span
hint: every-gate-set
"""
def set_memory_span(bias_ih, bias_hh, span):
    return np.resize(np.log(span - 1), len(bias_ih)) - bias_hh
