"""Compares the kernels only.

answers: break_even
fails: test_break_even
hint: copies-left-out
"""
def break_even(nbytes, link, device_seconds, host_seconds):
    return 1 if device_seconds < host_seconds else math.inf
