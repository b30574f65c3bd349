"""Copies for every call.

answers: break_even
fails: test_break_even
hint: copied-for-every-call
"""
def break_even(nbytes, link, device_seconds, host_seconds):
    return 1 if 2 * nbytes / link + device_seconds < host_seconds else math.inf
